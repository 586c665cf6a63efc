import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { productPathSchema, productStockSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { levelOf, productStockQuery } from './product-stock.query.js';

const getProductStock = operation({
  summary: 'Stock of one product, by location',
  path: productPathSchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'Its levels', body: productStockSchema, headers: READ_ANSWER_HEADERS } },
  problems: ['product-unknown', ...READ_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class ProductStockController {
  constructor(private readonly reads: Reads) {}

  @Get(':productId')
  @Operation(getProductStock)
  async get(@Input(getProductStock) { path, headers }: InputOf<typeof getProductStock>): Promise<HttpResponse> {
    const { productId } = path;
    const options = readOptionsOf(headers);
    const result = await this.reads.ofKey(productId, productStockQuery, [productId], options);
    const { rows, extra, source } = answered(result);
    const read = headersOf([source], options);
    if (!extra.is_product) throw problem('product-unknown', { headers: read });
    return respond(200, { productId, levels: rows.map(levelOf) }, read);
  }
}
