import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { productIdSchema, productPageSchema, productsQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, notAPlace, wholePart } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { productOf, type Product } from '../product/product.query.js';
import { productsOfNameQuery, productsQuery } from './products.query.js';

const listProducts = operation({
  summary: 'The catalogue, by product id',
  description: 'With `name`, the products whose name has for each word given one that begins so.',
  query: productsQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: {
      description: 'One page',
      body: productPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
    },
  },
  problems: [...READ_PROBLEMS],
});

const columns: Columns<Product> = {
  productId: (product) => product.productId,
  name: (product) => product.name,
  priceCents: (product) => product.priceCents,
  version: (product) => product.version,
};

@ApiTags('products')
@Controller('products')
export class ProductsController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listProducts)
  async list(@Input(listProducts) request: InputOf<typeof listProducts>): Promise<Answer> {
    const { after = '', limit, name } = request.query;
    if (after !== '' && !productIdSchema.safeParse(after).success) throw notAPlace('a product id');
    const reader = readerOf(request.headers);
    const place = [after, limit + 1];
    const read =
      name === undefined
        ? await this.reads.ofEveryGroup(productsQuery, place, reader)
        : await this.reads.ofEveryGroup(productsOfNameQuery, [...place, name], reader);
    const parts = read.map(answered);
    const page = mergePage(
      parts.map(({ rows }) => wholePart(rows.map(productOf))),
      limit,
      { keyOf: ({ productId }) => [productId] },
    );
    const sources = parts.map(({ source }) => source);
    return answerList(request, page, columns, headersOf(sources, reader));
  }
}
