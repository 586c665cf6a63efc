import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { productPathSchema, productStockSchema } from '@eco/contracts';
import { answer, Input, operation, Operation, problem, type Answer, type InputOf } from '@eco/edge';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
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
  async get(@Input(getProductStock) { path, headers }: InputOf<typeof getProductStock>): Promise<Answer> {
    const { productId } = path;
    const reader = readerOf(headers);
    const result = await this.reads.ofKey(productId, productStockQuery, [productId], reader);
    const { rows, extra, source } = answered(result);
    const read = headersOf([source], reader);
    if (!extra.is_product) throw problem('product-unknown', { headers: read });
    return answer(200, { productId, levels: rows.map(levelOf) }, read);
  }
}
