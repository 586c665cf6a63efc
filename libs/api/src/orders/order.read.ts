import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { headers, orderPathSchema, orderPendingSchema, orderSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { AwaitedCommands } from '../http/awaited-commands.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS, retryAfter } from '../http/read-answer.js';
import { isInReach, readsOrders } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { orderOf, orderQuery } from './order.query.js';

const getOrder = operation({
  id: 'getOrder',
  summary: 'One order, decided',
  description:
    'A reader that brings the position `order/<id>` of a 202 gets 202 `pending` while nothing is decided; with ' +
    '`Prefer: wait=N` the answer waits for the decision.',
  access: readsOrders,
  path: orderPathSchema,
  headers: readHeadersSchema,
  answers: {
    200: { description: 'Its current state', body: orderSchema, headers: READ_ANSWER_HEADERS },
    202: {
      description: 'Accepted; not decided yet as far as the answering node can see',
      body: orderPendingSchema,
      headers: [...READ_ANSWER_HEADERS, headers.retryAfter],
    },
  },
  problems: ['order-unknown', ...READ_PROBLEMS],
});

@ApiTags('orders')
@Controller('orders')
export class OrderController {
  constructor(
    private readonly reads: Reads,
    private readonly awaited: AwaitedCommands,
  ) {}

  @Get(':orderId')
  @Operation(getOrder)
  async get(@Input(getOrder) { path, headers: brought, caller }: InputOf<typeof getOrder>): Promise<HttpResponse> {
    const { orderId } = path;
    const options = readOptionsOf(brought);
    const isAccepted = options.position.orders.includes(orderId);
    const readOrder = async (id: string) =>
      answered(await this.reads.ofId(id, orderQuery, [id, caller.principal.branchId], options));
    const read = await this.awaited.readUntil(
      [orderId],
      options,
      () => readOrder(orderId),
      (latest) => !isAccepted || latest.rows.length > 0 || latest.extra.no_order_because !== null,
    );
    const { decided_as: otherId } = read.extra;
    const { rows, extra, source } = otherId === null ? read : await readOrder(otherId);
    const [order] = rows.map(orderOf);
    if (order !== undefined && isInReach(caller, order)) {
      return respond(200, order, headersOf([source], options, [orderId]));
    }
    const because = extra.no_order_because;
    if (isAccepted && order === undefined && because === null) {
      return respond(202, { orderId, status: 'pending' }, { ...headersOf([source], options), ...retryAfter });
    }
    // Without an order the owner of the id is unknown, so only a caller who may see every order gets the reason.
    const detail =
      because === null || caller.reach !== 'any' ? undefined : `What was asked under this id is ${because}`;
    throw problem('order-unknown', { detail, headers: headersOf([source], options, [orderId]) });
  }
}
