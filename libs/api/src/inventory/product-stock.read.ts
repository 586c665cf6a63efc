import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { reachesObject } from '@eco/access';
import { CENTRAL, productAvailabilitySchema, productPathSchema, productStockSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsStock } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { levelOf, productStockQuery } from './product-stock.query.js';

const getProductStock = operation({
  id: 'getProductStock',
  summary: 'Stock of one product, by location',
  description: 'A client without a token and a customer get only how many units are available to order.',
  access: { anonymous: 'availability', customer: 'availability', ...readsStock },
  path: productPathSchema,
  headers: readHeadersSchema,
  answers: {
    200: {
      description: 'Its levels, or only its availability',
      body: z.union([productStockSchema, productAvailabilitySchema]),
      headers: READ_ANSWER_HEADERS,
    },
  },
  problems: ['product-unknown', ...READ_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class ProductStockController {
  constructor(private readonly reads: Reads) {}

  @Get(':productId')
  @Operation(getProductStock)
  async get(@Input(getProductStock) { path, headers, caller }: InputOf<typeof getProductStock>): Promise<HttpResponse> {
    const { productId } = path;
    const options = readOptionsOf(headers);
    const result = await this.reads.ofKey(productId, productStockQuery, [productId], options);
    const { rows, extra, source } = answered(result);
    const read = headersOf([source], options);
    if (!extra.is_product) throw problem('product-unknown', { headers: read });
    const levels = rows.map(levelOf);
    if (caller.reach === 'availability') {
      const available = levels.find(({ location }) => location === CENTRAL)?.available ?? 0;
      return respond(200, { productId, available }, read);
    }
    const inReach = levels.filter(({ location }) => reachesObject(caller, { branchIds: [location] }));
    return respond(200, { productId, levels: inReach }, read);
  }
}
