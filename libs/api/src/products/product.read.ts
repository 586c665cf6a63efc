import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { headers as headerNames, productPathSchema, productSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { etagOf } from '../http/if-match.js';
import { readsCatalogue } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { productOf, productQuery } from './product.query.js';

const getProduct = operation({
  id: 'getProduct',
  summary: 'One product of the catalogue',
  access: readsCatalogue,
  path: productPathSchema,
  headers: readHeadersSchema,
  answers: {
    200: { description: 'The product', body: productSchema, headers: [...READ_ANSWER_HEADERS, headerNames.etag] },
  },
  problems: ['product-unknown', ...READ_PROBLEMS],
});

@ApiTags('products')
@Controller('products')
export class ProductController {
  constructor(private readonly reads: Reads) {}

  @Get(':productId')
  @Operation(getProduct)
  async get(@Input(getProduct) { path, headers }: InputOf<typeof getProduct>): Promise<HttpResponse> {
    const { productId } = path;
    const options = readOptionsOf(headers);
    const { rows, source } = answered(await this.reads.ofKey(productId, productQuery, [productId], options));
    const read = headersOf([source], options);
    const [row] = rows;
    if (row === undefined) throw problem('product-unknown', { headers: read });
    return respond(200, productOf(row), { ...read, [headerNames.etag]: etagOf(row.version) });
  }
}
