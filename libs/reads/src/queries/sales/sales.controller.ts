import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { salesQuerySchema, salesSchema } from '@eco/contracts';
import { Input, operation, Operation, problem, type Answer, type InputOf } from '@eco/edge';
import { readConsumer } from '../../consumer-read.js';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, notAPlace, wholePart } from '../../http/page.js';
import { consumerHeadersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { salesQueryOf, type SalesRow } from './sales.query.js';

const DAY_MS = 86_400_000;
const DAYS_DEFAULT = 31;
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
type Query = InputOf<typeof listSales>['query'];
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
    const values = [
      ...periodOf(query),
      branchId === CENTRAL ? '' : (branchId ?? null),
      ...placeOf(query.after),
      limit + 1,
      ...(productId === undefined ? [] : [productId]),
    ];
    const read = await readConsumer(this.reads, ['orders'], salesQueryOf(grouping), values, reader);
    if (read.type !== 'answer') throw problemOf(read);
    const { answer, position } = read;
    const page = mergePage([wholePart(answer.rows)], limit, {
      keyOf: ({ day, branch_id, product_id }) => [day, branch_id, product_id],
    });
    const items = page.items.map((row) => salesOf(row, grouping));
    return answerList(request, { ...page, items }, columns, consumerHeadersOf(answer.source, position));
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

function periodOf({ from, to, by, productId }: Query): [from: string, to: string] {
  const toMs =
    to !== undefined
      ? Date.parse(to)
      : from !== undefined
        ? Date.parse(from) + (DAYS_DEFAULT - 1) * DAY_MS
        : Date.now();
  const fromMs = from !== undefined ? Date.parse(from) : toMs - (DAYS_DEFAULT - 1) * DAY_MS;
  const fault = (message: string) => problem('bad-input', { faults: [{ at: 'query.to', message }] });
  const daysMax = by.includes('product') && productId === undefined ? DAYS_MAX_BY_PRODUCT : DAYS_MAX;
  if (toMs < fromMs) throw fault('must not be before from');
  if (toMs - fromMs >= daysMax * DAY_MS) throw fault(`must be at most ${daysMax} days after from`);
  return [dayOf(fromMs), dayOf(toMs)];
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return ['', '', ''];
  const parts = after.split('/');
  if (parts.length !== 3 || !/^(\d{4}-\d{2}-\d{2})?$/.test(parts[0] ?? '')) throw notAPlace('<day>/<branch>/<product>');
  return parts;
}
