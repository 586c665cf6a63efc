import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { orderPageSchema, ordersQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { hash12, hash12OfOrderId, isUuid } from '@eco/routing';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, notAPlace, wholePart, type PageOrder } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { readUntil } from '../../http/read-until.js';
import { Reads } from '../../reads.js';
import { orderOf, type Order } from '../order/order.query.js';
import { ordersOfBranchQuery } from './orders-of-branch.query.js';
import { ordersOfCustomerQuery } from './orders-of-customer.query.js';

const listOrders = operation({
  summary: 'Orders of a customer or a branch, newest first',
  description:
    'Of a customer, of a branch, or of a customer at a branch; `from` and `to` cut a period out. A customer’s list names ' +
    'as pending the orders whose position `order/<id>` the reader brings and for which nothing is decided yet; with ' +
    '`Prefer: wait=N` the answer waits for them.',
  query: ordersQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: { description: 'One page', body: orderPageSchema, headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS] },
  },
  problems: [...READ_PROBLEMS],
});
type Request = InputOf<typeof listOrders>;

const columns: Columns<Order> = {
  orderId: (order) => order.orderId,
  customerId: (order) => order.customerId,
  branchId: (order) => order.branchId,
  status: (order) => order.status,
  placedAt: (order) => order.placedAt,
  decidedAt: (order) => order.decidedAt,
  units: (order) => order.lines.reduce((units, { quantity }) => units + quantity, 0),
  totalCents: (order) => order.totalCents,
  lines: (order) => JSON.stringify(order.lines),
};

const newestFirst: PageOrder<Order> = { keyOf: ({ placedAt, orderId }) => [placedAt, orderId], descending: true };

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listOrders)
  list(@Input(listOrders) request: Request): Promise<Answer> {
    const { customerId, branchId } = request.query;
    if (customerId !== undefined) return this.#ofCustomer(request, customerId);
    return this.#ofBranch(request, branchId ?? '');
  }

  async #ofCustomer(request: Request, customerId: string): Promise<Answer> {
    const { query, headers } = request;
    const reader = readerOf(headers);
    const hash = hash12(customerId);
    const accepted = reader.position.orders.filter((orderId) => hash12OfOrderId(orderId) === hash);
    const values = [customerId, ...placeAndPeriodOf(query), accepted, query.branchId ?? null];
    const { rows, beside, source } = await readUntil(
      reader,
      async () => answered(await this.reads.ofKey(customerId, ordersOfCustomerQuery, values, reader)),
      (read) => read.beside.pending.length === 0,
    );
    const page = mergePage([wholePart(rows.map(orderOf))], query.limit, newestFirst);
    const { pending } = beside;
    const settled = accepted.filter((orderId) => !pending.includes(orderId));
    return answerList(request, page, columns, headersOf([source], reader, settled), { pending });
  }

  async #ofBranch(request: Request, branchId: string): Promise<Answer> {
    const { query, headers } = request;
    const reader = readerOf(headers);
    const values = [branchId, ...placeAndPeriodOf(query)];
    const parts = (await this.reads.ofEveryGroup(ordersOfBranchQuery, values, reader)).map(answered);
    const page = mergePage(
      parts.map(({ rows }) => wholePart(rows.map(orderOf))),
      query.limit,
      newestFirst,
    );
    const sources = parts.map(({ source }) => source);
    return answerList(request, page, columns, headersOf(sources, reader), { pending: [] });
  }
}

/** Before every order there is. */
const FIRST = { placedAt: 'infinity', orderId: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** $2 to $6 of both queries. */
function placeAndPeriodOf({ after, limit, from, to }: Request['query']): unknown[] {
  const { placedAt, orderId } = placeOf(after);
  return [placedAt, orderId, limit + 1, from ?? '-infinity', to ?? 'infinity'];
}

function placeOf(after: string | undefined): typeof FIRST {
  if (after === undefined) return FIRST;
  const [placedAt = '', orderId = '', ...rest] = after.split('/');
  const isPlace = z.iso.datetime().safeParse(placedAt).success && isUuid(orderId) && rest.length === 0;
  if (!isPlace) throw notAPlace('<placedAt>/<orderId>');
  return { placedAt, orderId };
}
