import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { pageQuerySchema, productIdSchema, productPageSchema } from '@eco/contracts';
import { answer, Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { mergePage, notAPlace } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { productOf } from '../product/product.query.js';
import { productsQuery } from './products.query.js';

const listProducts = operation({
  summary: 'The catalogue, by product id',
  query: pageQuerySchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'One page', body: productPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

@ApiTags('products')
@Controller('products')
export class ProductsController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listProducts)
  async list(@Input(listProducts) { query, headers }: InputOf<typeof listProducts>): Promise<Answer> {
    const { after = '', limit } = query;
    if (after !== '' && !productIdSchema.safeParse(after).success) throw notAPlace('a product id');
    const read = await this.reads.ofEveryGroup(productsQuery, [after, limit + 1], readerOf(headers));
    const parts = read.map(answered);
    const page = mergePage(
      parts.map(({ rows }) => rows.map(productOf)),
      limit,
      ({ productId }) => [productId],
    );
    return answer(200, page, headersOf(parts.map(({ source }) => source)));
  }
}
