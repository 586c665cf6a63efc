import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  branchIdSchema,
  CENTRAL,
  inventoryQuerySchema,
  productIdSchema,
  stockLevelSchema,
  stockPageSchema,
} from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads, type GroupAnswer, type ReadOptions, type ReadFailure } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf, type PageStart } from '../http/list.js';
import { notAPlace, wholePart, type Part } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsStock } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { levelOf, type Level, type LevelRow } from './product-stock.query.js';
import {
  inventoryOfLocationQuery,
  inventoryQuery,
  LEVELS_LOOKED_AT_MAX,
  lowStockAtBranchQuery,
  lowStockAtCentralQuery,
  lowStockQuery,
  type LookedAtRow,
} from './inventory.query.js';

const listInventory = operation({
  id: 'listInventory',
  summary: 'Stock levels, by product and location',
  description:
    'Also of products that are not on sale any more. With `availableMax` it is the low stock: of products on sale only, the ' +
    'levels with at most that number of available units. Every product on sale is kept at `central`, which orders are ' +
    'filled from: without a level it has 0 units there. A branch keeps what it has had: there a product without a level ' +
    `is not listed. A page of low stock looks at ${LEVELS_LOOKED_AT_MAX} levels a group at the most, so it may have fewer ` +
    'than its limit, even none, and still a next one.',
  access: readsStock,
  query: inventoryQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'azucar/central' },
  answers: {
    200: {
      description: 'One page',
      body: stockPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});
type Query = InputOf<typeof listInventory>['query'];

@ApiTags('inventory')
@Controller('inventory')
export class InventoryController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listInventory)
  list(@Input(listInventory) request: InputOf<typeof listInventory>): Promise<HttpResponse> {
    const { query } = request;
    return answerList(request, stockLevelSchema, readOptionsOf(request.headers), async (place, options) => {
      const answers = (await this.#read(query, place, options)).map(answered);
      return pageOf(answers, (rows) => partOf(rows, query.availableMax), {
        limit: place.limit,
        order: { keyOf: ({ productId, location }) => [productId, location] },
        options,
      });
    });
  }

  #read(
    { location, availableMax }: Query,
    { after, limit }: PageStart,
    options: ReadOptions,
  ): Promise<(GroupAnswer<LevelRow | LookedAtRow, unknown> | ReadFailure)[]> {
    const place = [...placeOf(after), limit + 1];
    const low = [...place, availableMax];
    if (location === undefined) {
      return availableMax === undefined
        ? this.reads.ofEveryGroup(inventoryQuery, place, options)
        : this.reads.ofEveryGroup(lowStockQuery, low, options);
    }
    if (availableMax === undefined) {
      return this.reads.ofEveryGroup(inventoryOfLocationQuery, [...place, location], options);
    }
    return location === CENTRAL
      ? this.reads.ofEveryGroup(lowStockAtCentralQuery, low, options)
      : this.reads.ofEveryGroup(lowStockAtBranchQuery, [...low, location], options);
  }
}

function partOf(rows: readonly (LevelRow | LookedAtRow)[], availableMax: number | undefined): Part<Level> {
  if (availableMax === undefined) return wholePart(rows.map(levelOf));
  const last = rows.at(-1);
  const stopped = last !== undefined && 'nth' in last && last.nth === LEVELS_LOOKED_AT_MAX;
  return {
    items: rows.map(levelOf).filter(({ available }) => available <= availableMax),
    lookedTo: stopped ? [last.product_id, last.location] : null,
  };
}

function placeOf(after: string | undefined): [productId: string, location: string] {
  if (after === undefined) return ['', ''];
  const [productId = '', location = '', ...rest] = after.split('/');
  const isPlace = productIdSchema.safeParse(productId).success && branchIdSchema.safeParse(location).success;
  if (!isPlace || rest.length > 0) throw notAPlace('<productId>/<location>');
  return [productId, location];
}
