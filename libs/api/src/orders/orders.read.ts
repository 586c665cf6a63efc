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
import { Reads, type ReadOptions } from '@eco/reads';
import { isRoutedBy, isUuid } from '@eco/routing';
import { AwaitedCommands } from '../http/awaited-commands.js';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type PageStart, type ReadPage } from '../http/list.js';
import { mergePage, notAPlace, wholePart, type PageOrder } from '../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsOrders } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { orderOf, type Order } from './order.query.js';
import { ordersOfBranchQuery } from './orders-of-branch.query.js';
import { ordersOfCustomerQuery } from './orders-of-customer.query.js';

const listOrders = operation({
  summary: 'Orders of a customer or a branch, newest first',
  description:
    'Of a customer, of a branch, or of a customer at a branch; `from` and `to` cut a period out: instants, by when the order ' +
    'was placed. A customer’s list names ' +
    'as pending the orders whose position `order/<id>` the reader brings and for which nothing is decided yet; with ' +
    '`Prefer: wait=N` the answer waits for them.',
  access: readsOrders,
  query: ordersQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: { description: 'One page', body: orderPageSchema, headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS] },
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
      return answered(await this.reads.ofKey(id, ordersOfCustomerQuery, values, options));
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
    return {
      page: mergePage(
        parts.map(({ rows }) => wholePart(rows.map(orderOf))),
        place.limit,
        newestFirst,
      ),
      headers: headersOf(
        parts.map(({ source }) => source),
        options,
        settled,
      ),
      extra: { pending },
    };
  }

  async #ofBranch(
    query: ListOrdersRequest['query'],
    branchId: string,
    place: PageStart,
    options: ReadOptions,
  ): Promise<ReadPage> {
    const values = [branchId, ...placeAndPeriodOf(query, place)];
    const parts = (await this.reads.ofEveryGroup(ordersOfBranchQuery, values, options)).map(answered);
    return {
      page: mergePage(
        parts.map(({ rows }) => wholePart(rows.map(orderOf))),
        place.limit,
        newestFirst,
      ),
      headers: headersOf(
        parts.map(({ source }) => source),
        options,
      ),
      extra: { pending: [] },
    };
  }
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
