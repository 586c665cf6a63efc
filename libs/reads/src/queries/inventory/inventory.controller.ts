import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { branchIdSchema, pageQuerySchema, productIdSchema, stockPageSchema } from '@eco/contracts';
import { answer, Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { mergePage, notAPlace } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { levelOf } from '../product-stock/product-stock.query.js';
import { inventoryQuery } from './inventory.query.js';

const listInventory = operation({
  summary: 'Stock levels, by product and location',
  query: pageQuerySchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'One page', body: stockPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class InventoryController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listInventory)
  async list(@Input(listInventory) { query, headers }: InputOf<typeof listInventory>): Promise<Answer> {
    const { limit } = query;
    const [productId, location] = placeOf(query.after);
    const read = await this.reads.ofEveryGroup(inventoryQuery, [productId, location, limit + 1], readerOf(headers));
    const parts = read.map(answered);
    const page = mergePage(
      parts.map(({ rows }) => rows.map(levelOf)),
      limit,
      (level) => [level.productId, level.location],
    );
    return answer(200, page, headersOf(parts.map(({ source }) => source)));
  }
}

function placeOf(after: string | undefined): [productId: string, location: string] {
  if (after === undefined) return ['', ''];
  const [productId = '', location = '', ...rest] = after.split('/');
  const isPlace = productIdSchema.safeParse(productId).success && branchIdSchema.safeParse(location).success;
  if (!isPlace || rest.length > 0) throw notAPlace('<productId>/<location>');
  return [productId, location];
}
