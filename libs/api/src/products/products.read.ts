import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { productIdSchema, productPageSchema, productSchema, productsQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { notAPlace, wholePart } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsCatalogue } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { productOf } from './product.query.js';
import { productsOfNameQuery, productsQuery } from './products.query.js';

const listProducts = operation({
  id: 'listProducts',
  summary: 'The catalogue, by product id',
  description: 'With `name`, the products whose name has, for each given word, a word that begins with it.',
  access: readsCatalogue,
  query: productsQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'azucar' },
  answers: {
    200: {
      description: 'One page',
      body: productPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

@ApiTags('products')
@Controller('products')
export class ProductsController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listProducts)
  list(@Input(listProducts) request: InputOf<typeof listProducts>): Promise<HttpResponse> {
    const { name } = request.query;
    return answerList(
      request,
      productSchema,
      readOptionsOf(request.headers),
      async ({ after = '', limit }, options) => {
        if (after !== '' && !productIdSchema.safeParse(after).success) throw notAPlace('a product id');
        const values = [after, limit + 1];
        const read =
          name === undefined
            ? await this.reads.ofEveryGroup(productsQuery, values, options)
            : await this.reads.ofEveryGroup(productsOfNameQuery, [...values, name], options);
        const parts = read.map(answered);
        return pageOf(parts, (rows) => wholePart(rows.map(productOf)), {
          limit,
          order: { keyOf: ({ productId }) => [productId] },
          options,
        });
      },
    );
  }
}
