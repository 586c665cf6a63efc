import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  orderPageSchema,
  orderSchema,
  ordersQuerySchema,
  instantSchema,
  spellingsOf,
  whyNoCustomerId,
} from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads, type GroupAnswer, type ReadFailure, type ReadOptions } from '@eco/reads';
import { isRoutedBy, isUuid } from '@eco/routing';
import { AwaitedCommands } from '../http/awaited-commands.js';
import {
  acceptHeader,
  answerList,
  AS_CSV,
  LIST_ANSWER_HEADERS,
  pageOf,
  type PageStart,
  type ReadPage,
} from '../http/list.js';
import { notAPlace, wholePart, type PageOrder, type Part } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsOrders } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { orderOf, type Order, type OrderRow } from './order.query.js';
import {
  ORDERS_LOOKED_AT_MAX,
  ordersOfBranchInStatusQuery,
  ordersOfCustomerInStatusQuery,
  type OrderInStatusRow,
} from './orders-in-status.query.js';
import { ordersOfBranchQuery } from './orders-of-branch.query.js';
import { ordersOfCustomerQuery, type PendingOrders } from './orders-of-customer.query.js';

const listOrders = operation({
  id: 'listOrders',
  summary: 'Orders of a customer or a branch, newest first',
  description:
    'Of a customer, of a branch, or of a customer at a branch; `status=confirmed` lists what is still to be handed over. `from` ' +
    'and `to` cut a period out: instants, by when the order was placed. A page of a status looks at ' +
    `${ORDERS_LOOKED_AT_MAX} orders a group at the most, so it may have fewer than its limit, even none, and still a next one. ` +
    'A customer’s list names ' +
    'as pending the orders whose position `order/<id>` the reader brings and for which nothing is decided yet; with ' +
    '`Prefer: wait=N` the answer waits for them.',
  access: readsOrders,
  query: ordersQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: '2026-11-24T12:00:00.000Z/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: {
    200: {
      description: 'One page',
      body: orderPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});
type ListOrdersRequest = InputOf<typeof listOrders>;

const newestFirst: PageOrder<Order> = { keyOf: ({ placedAt, orderId }) => [placedAt, orderId], descending: true };

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  constructor(
    private readonly reads: Reads,
    private readonly awaited: AwaitedCommands,
  ) {}

  @Get()
  @Operation(listOrders)
  list(@Input(listOrders) request: ListOrdersRequest): Promise<HttpResponse> {
    const { customerId, branchId } = request.query;
    return answerList(request, orderSchema, readOptionsOf(request.headers), (place, options) =>
      customerId !== undefined
        ? this.#ofCustomer(request.query, customerId, place, options)
        : this.#ofBranch(request.query, branchId ?? '', place, options),
    );
  }

  async #ofCustomer(
    query: ListOrdersRequest['query'],
    customerId: string,
    place: PageStart,
    options: ReadOptions,
  ): Promise<ReadPage> {
    const spellings = spellingsOf(customerId);
    const acceptedOf = (id: string) => options.position.orders.filter((orderId) => isRoutedBy(orderId, id));
    const accepted = spellings.flatMap(acceptedOf);
    const readAs = async (id: string) => {
      const values = [id, ...placeAndPeriodOf(query, place), acceptedOf(id), query.branchId ?? null];
      return answered<OrderRow | OrderInStatusRow, PendingOrders>(
        query.status === undefined
          ? await this.reads.ofKey(id, ordersOfCustomerQuery, values, options)
          : await this.reads.ofKey(id, ordersOfCustomerInStatusQuery, [...values, query.status], options),
      );
    };
    const parts = await this.awaited.readUntil(
      accepted,
      options,
      () => Promise.all(spellings.map(readAs)),
      (read) => read.every(({ extra }) => extra.pending.length === 0),
    );
    const whyNot = whyNoCustomerId(customerId);
    if (whyNot !== undefined && parts.every(({ rows }) => rows.length === 0)) {
      throw problem('bad-input', { faults: [{ at: 'query.customerId', message: whyNot }] });
    }
    const pending = parts.flatMap(({ extra }) => extra.pending);
    const settled = accepted.filter((orderId) => !pending.includes(orderId));
    const { limit } = place;
    const page = pageOf(parts, (rows) => partOf(rows, query.status), { limit, order: newestFirst, options, settled });
    return { ...page, extra: { pending } };
  }

  async #ofBranch(
    query: ListOrdersRequest['query'],
    branchId: string,
    place: PageStart,
    options: ReadOptions,
  ): Promise<ReadPage> {
    const values = [branchId, ...placeAndPeriodOf(query, place)];
    const read: readonly (GroupAnswer<OrderRow | OrderInStatusRow, unknown> | ReadFailure)[] =
      query.status === undefined
        ? await this.reads.ofEveryGroup(ordersOfBranchQuery, values, options)
        : await this.reads.ofEveryGroup(ordersOfBranchInStatusQuery, [...values, query.status], options);
    const parts = read.map(answered);
    const { limit } = place;
    const page = pageOf(parts, (rows) => partOf(rows, query.status), { limit, order: newestFirst, options });
    return { ...page, extra: { pending: [] } };
  }
}

function partOf(rows: readonly (OrderRow | OrderInStatusRow)[], status: Order['status'] | undefined): Part<Order> {
  const orders = rows.map(orderOf);
  if (status === undefined) return wholePart(orders);
  const last = rows.at(-1);
  const stopped = last !== undefined && 'nth' in last && last.nth === ORDERS_LOOKED_AT_MAX;
  return {
    items: orders.filter((order) => order.status === status),
    lookedTo: stopped ? [last.placed_at.toISOString(), last.order_id] : null,
  };
}

/** A key that comes before every order. */
const FIRST = { placedAt: 'infinity', orderId: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** Parameters $2 to $6 of both queries. */
function placeAndPeriodOf({ from, to }: ListOrdersRequest['query'], { after, limit }: PageStart): unknown[] {
  const { placedAt, orderId } = placeOf(after);
  return [placedAt, orderId, limit + 1, from ?? '-infinity', to ?? 'infinity'];
}

function placeOf(after: string | undefined): typeof FIRST {
  if (after === undefined) return FIRST;
  const [placedAt = '', orderId = '', ...rest] = after.split('/');
  const at = instantSchema.safeParse(placedAt).data;
  if (at === undefined || !isUuid(orderId) || rest.length > 0) throw notAPlace('<placedAt>/<orderId>');
  return { placedAt: at, orderId };
}
