import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { branchIdSchema, inventoryQuerySchema, productIdSchema, stockPageSchema } from '@eco/contracts';
import { Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import type { GroupAnswer, Reader, ReadFailure } from '../../group-reader.js';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, notAPlace, wholePart, type Part } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { levelOf, type Level, type LevelRow } from '../product-stock/product-stock.query.js';
import {
  inventoryOfLocationQuery,
  inventoryQuery,
  LEVELS_LOOKED_AT_MAX,
  lowStockOfLocationQuery,
  lowStockQuery,
  type LookedAtRow,
} from './inventory.query.js';

const listInventory = operation({
  summary: 'Stock levels, by product and location',
  description:
    'With `availableMax`, low stock: levels with no more than so many available units. A page of those looks at ' +
    `${LEVELS_LOOKED_AT_MAX} levels a group at the most, so it may have fewer than its limit, even none, and still a next one.`,
  query: inventoryQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: { description: 'One page', body: stockPageSchema, headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS] },
  },
  problems: [...READ_PROBLEMS],
});
type Query = InputOf<typeof listInventory>['query'];

const columns: Columns<Level> = {
  productId: (level) => level.productId,
  location: (level) => level.location,
  onHand: (level) => level.onHand,
  reserved: (level) => level.reserved,
  available: (level) => level.available,
};

@ApiTags('inventory')
@Controller('inventory')
export class InventoryController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listInventory)
  async list(@Input(listInventory) request: InputOf<typeof listInventory>): Promise<Answer> {
    const { query, headers } = request;
    const reader = readerOf(headers);
    const answers = (await this.#read(query, reader)).map(answered);
    const page = mergePage(
      answers.map(({ rows }) => partOf(rows, query.availableMax)),
      query.limit,
      { keyOf: ({ productId, location }) => [productId, location] },
    );
    const sources = answers.map(({ source }) => source);
    return answerList(request, page, columns, headersOf(sources, reader));
  }

  #read(query: Query, reader: Reader): Promise<(GroupAnswer<LevelRow | LookedAtRow, unknown> | ReadFailure)[]> {
    const { location, availableMax, limit } = query;
    const place = [...placeOf(query.after), limit + 1];
    const isOfLocation = location !== undefined;
    const where = isOfLocation ? [location] : [];
    if (availableMax === undefined) {
      return this.reads.ofEveryGroup(
        isOfLocation ? inventoryOfLocationQuery : inventoryQuery,
        [...place, ...where],
        reader,
      );
    }
    const low = isOfLocation ? lowStockOfLocationQuery : lowStockQuery;
    return this.reads.ofEveryGroup(low, [...place, availableMax, ...where], reader);
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
