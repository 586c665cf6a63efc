import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { orderPageSchema, ordersQuerySchema, uuidSchema } from '@eco/contracts';
import { answer, Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { hash12, hash12OfOrderId, isUuid } from '@eco/routing';
import { notAPlace } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { readUntil } from '../../http/read-until.js';
import { Reads } from '../../reads.js';
import { orderOf } from '../order/order.query.js';
import { ordersOfCustomerQuery } from './orders-of-customer.query.js';

const customerOrderPageSchema = orderPageSchema.extend({
  pending: z.array(uuidSchema).meta({
    description: 'Orders whose position `order/<id>` the reader brought and for which nothing is decided yet',
  }),
});

const listOrders = operation({
  summary: "A customer's orders, newest first",
  description: 'With `Prefer: wait=N` the answer waits for the orders whose position `order/<id>` the reader brings.',
  query: ordersQuerySchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'One page', body: customerOrderPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

@ApiTags('orders')
@Controller('orders')
export class OrdersOfCustomerController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listOrders)
  async list(@Input(listOrders) { query, headers }: InputOf<typeof listOrders>): Promise<Answer> {
    const { customerId, limit } = query;
    const place = placeOf(query.after);
    const reader = readerOf(headers);
    const hash = hash12(customerId);
    const accepted = reader.position.orders.filter((orderId) => hash12OfOrderId(orderId) === hash);
    const values = [customerId, place.placedAt, place.orderId, limit + 1, accepted];
    const { rows, beside, source } = await readUntil(
      reader,
      async () => answered(await this.reads.ofKey(customerId, ordersOfCustomerQuery, values, reader)),
      (read) => read.beside.pending.length === 0,
    );
    const items = rows.slice(0, limit).map(orderOf);
    const last = items.at(-1);
    const next = last === undefined || rows.length <= limit ? null : `${last.placedAt}/${last.orderId}`;
    return answer(200, { items, next, pending: beside.pending }, headersOf([source], beside.pending));
  }
}

/** Before every order there is. */
const FIRST = { placedAt: 'infinity', orderId: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

function placeOf(after: string | undefined): typeof FIRST {
  if (after === undefined) return FIRST;
  const [placedAt = '', orderId = '', ...rest] = after.split('/');
  const isPlace = z.iso.datetime().safeParse(placedAt).success && isUuid(orderId) && rest.length === 0;
  if (!isPlace) throw notAPlace('<placedAt>/<orderId>');
  return { placedAt, orderId };
}
