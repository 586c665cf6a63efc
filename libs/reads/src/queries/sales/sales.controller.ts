import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { salesQuerySchema, salesSchema } from '@eco/contracts';
import { Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { readConsumer } from '../../consumer-read.js';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, notAPlace, wholePart } from '../../http/page.js';
import { periodOf } from '../../http/period.js';
import { consumerHeadersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { salesQueryOf, type SalesRow } from './sales.query.js';

const DAYS_MAX = 366;
/** With products told apart there are many rows a day. */
const DAYS_MAX_BY_PRODUCT = 92;

const listSales = operation({
  summary: 'What was sold: count, units, revenue and average ticket',
  description:
    'Told apart by any of day (UTC), branch and product; the last 31 days unless `from` and `to` (both included) say ' +
    `otherwise, at most ${DAYS_MAX} days, and ${DAYS_MAX_BY_PRODUCT} by product. From statistics, which follow the ` +
    'orders: the position says how far.',
  query: salesQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: { description: 'One page', body: salesSchema, headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS] },
  },
  problems: [...READ_PROBLEMS],
});
type Sales = z.infer<typeof salesSchema>['items'][number];

const columns: Columns<Sales> = {
  day: (row) => row.day,
  branchId: (row) => row.branchId,
  productId: (row) => row.productId,
  sales: (row) => row.sales,
  units: (row) => row.units,
  revenueCents: (row) => row.revenueCents,
  averageTicketCents: (row) => row.averageTicketCents,
};

const CENTRAL = 'central';

@ApiTags('statistics')
@Controller('statistics/sales')
export class SalesController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listSales)
  async list(@Input(listSales) request: InputOf<typeof listSales>): Promise<Answer> {
    const { query, headers } = request;
    const { by, branchId, productId, limit } = query;
    const grouping = {
      day: by.includes('day'),
      branch: by.includes('branch'),
      product: by.includes('product'),
      ofProduct: productId !== undefined,
    };
    const reader = readerOf(headers);
    const daysMax = grouping.product && !grouping.ofProduct ? DAYS_MAX_BY_PRODUCT : DAYS_MAX;
    const { from, to } = periodOf(query, daysMax);
    const values = [
      from,
      to,
      branchId === CENTRAL ? '' : (branchId ?? null),
      ...placeOf(query.after),
      limit + 1,
      ...(productId === undefined ? [] : [productId]),
    ];
    const read = await readConsumer(this.reads, ['orders'], salesQueryOf(grouping), values, reader);
    if (read.type !== 'answer') throw problemOf(read);
    const { answer } = read;
    const page = mergePage([wholePart(answer.rows)], limit, {
      keyOf: ({ day, branch_id, product_id }) => [day, branch_id, product_id],
    });
    const items = page.items.map((row) => salesOf(row, grouping));
    return answerList(request, { ...page, items }, columns, consumerHeadersOf(answer.source, read));
  }
}

function salesOf(row: SalesRow, grouping: { day: boolean; branch: boolean; product: boolean }): Sales {
  const { sales, units, revenue_cents: revenueCents } = row;
  return {
    day: grouping.day ? row.day : null,
    branchId: grouping.branch ? row.branch_id : null,
    productId: grouping.product ? row.product_id : null,
    sales,
    units,
    revenueCents,
    averageTicketCents: sales === 0 ? 0 : Math.round(revenueCents / sales),
  };
}

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return ['', '', ''];
  const parts = after.split('/');
  if (parts.length !== 3 || !/^(\d{4}-\d{2}-\d{2})?$/.test(parts[0] ?? '')) throw notAPlace('<day>/<branch>/<product>');
  return parts;
}
