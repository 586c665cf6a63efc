import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CENTRAL, headers, salesQuerySchema, salesRowSchema, salesSchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { onReplicas, readConsumer, Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS } from '../http/list.js';
import { mergePage, notAPlace, wholePart } from '../http/page.js';
import { periodOf } from '../http/period.js';
import { consumerHeadersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsStatistics } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { figuresOf } from './figures.js';
import { todayOf } from './today.js';
import { salesQueryOf, type SalesRow } from './sales.query.js';

const DAYS_MAX = 366;
/** Most days of a request. By product there are many rows per day. */
const DAYS_MAX_BY_PRODUCT = 92;

const listSales = operation({
  id: 'listSalesStatistics',
  summary: 'Sales: orders, units, revenue and average ticket, net and gross',
  description:
    'By any of day, branch and product; the last 31 days unless `from` and `to` (both included) say ' +
    `otherwise, at most ${DAYS_MAX} days, and ${DAYS_MAX_BY_PRODUCT} by product. Days are those of the chain’s time zone, ` +
    'which the answer names. `sales`, `units` and `revenueCents` are net: gross less cancelled less returned, each on the ' +
    'day on which it happened and at the branch that took the order. From statistics, which follow the orders: the ' +
    'position says how far.',
  access: readsStatistics,
  query: salesQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: '2026-11-24/sucursal-1/cafe-premium', by: 'day,branch' },
  answers: {
    200: {
      description: 'One page',
      body: salesSchema,
      headers: [...READ_ANSWER_HEADERS, headers.timeZone, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});
type SalesItem = z.infer<typeof salesRowSchema>;

@ApiTags('statistics')
@Controller('statistics/sales')
export class SalesController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listSales)
  async list(@Input(listSales) request: InputOf<typeof listSales>): Promise<HttpResponse> {
    const { query, headers: given } = request;
    const { by, branchId, productId } = query;
    const grouping = {
      day: by.includes('day'),
      branch: by.includes('branch'),
      product: by.includes('product'),
      ofProduct: productId !== undefined,
    };
    const daysMax = grouping.product && !grouping.ofProduct ? DAYS_MAX_BY_PRODUCT : DAYS_MAX;
    const { from, to } = await periodOf(query, daysMax, () => todayOf(this.reads));
    const ofBranch = branchId === CENTRAL ? '' : (branchId ?? null);
    return answerList(request, salesRowSchema, readOptionsOf(given), async ({ after, limit }, options) => {
      const values = [
        from,
        to,
        ofBranch,
        ...placeOf(after),
        limit + 1,
        ...(productId === undefined ? [] : [productId]),
      ];
      const salesQuery = salesQueryOf(grouping);
      const read = await readConsumer(
        this.reads,
        ['orders'],
        () => onReplicas(this.reads, salesQuery, values, options),
        options,
      );
      if (read.type !== 'answer') throw problemOf(read);
      const { rows, extra } = read.rows;
      const { time_zone: timeZone } = extra;
      const page = mergePage([wholePart(rows)], limit, {
        keyOf: ({ day, branch_id, product_id }) => [day, branch_id, product_id],
      });
      return {
        page: { ...page, items: page.items.map((row) => salesOf(row, grouping)) },
        headers: { ...consumerHeadersOf(read), [headers.timeZone]: timeZone },
        extra: { timeZone },
      };
    });
  }
}

function salesOf(row: SalesRow, grouping: { day: boolean; branch: boolean; product: boolean }): SalesItem {
  const figures = figuresOf(row);
  const { sales, revenueCents } = figures;
  return {
    day: grouping.day ? row.day : null,
    branchId: grouping.branch ? row.branch_id : null,
    productId: grouping.product ? row.product_id : null,
    ...figures,
    averageTicketCents: sales <= 0 ? 0 : Math.round(revenueCents / sales),
  };
}

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return ['', '', ''];
  const parts = after.split('/');
  if (parts.length !== 3 || !/^(\d{4}-\d{2}-\d{2})?$/.test(parts[0] ?? '')) throw notAPlace('<day>/<branch>/<product>');
  return parts;
}
