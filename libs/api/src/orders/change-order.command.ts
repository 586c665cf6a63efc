import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CENTRAL,
  ofCustomerRequestSchema,
  orderEndedSchema,
  orderPathSchema,
  orderReturnedSchema,
  returnOrderRequestSchema,
  reasonsOf,
  spellingsOf,
} from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { isRoutedBy } from '@eco/routing';
import {
  DECIDED_HEADERS,
  decidedHeadersSchema,
  requesterOf,
  type DecidedInput,
} from '../http/commands/command-headers.js';
import { decideNow } from '../http/commands/decide-now.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { Owners } from '../branch/owners.js';
import { refuseForeign } from '../http/commands/own-object.js';
import { changesAsStaff, changesOrders } from '../http/policies.js';

const cancel = operation({
  id: 'cancelOrder',
  summary: 'Cancel an order that is not fulfilled',
  description:
    'Its units are free again. Of an order that has not come yet it makes sure that it is refused when it comes: no ' +
    '`lines` then.',
  access: changesOrders('order.cancel'),
  path: orderPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: { 200: { description: 'Cancelled', body: orderEndedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('order.cancel'), ...DECIDED_PROBLEMS],
});
const fulfil = operation({
  id: 'fulfilOrder',
  summary: 'Mark an order as handed over',
  description: 'Its units leave the shelf.',
  access: { ...changesAsStaff('order.fulfil'), graceful: true },
  path: orderPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: { 200: { description: 'Fulfilled', body: orderEndedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('order.fulfil'), ...DECIDED_PROBLEMS],
});
const takeBack = operation({
  id: 'returnOrder',
  summary: 'Return units of a fulfilled order',
  description:
    'They are on hand again at `location`, where the request came in unless it says otherwise: name it if you may repeat ' +
    'the request at another API. Unsellable units are adjusted away there.',
  access: changesAsStaff('order.return'),
  path: orderPathSchema,
  headers: decidedHeadersSchema,
  body: returnOrderRequestSchema,
  answers: { 200: { description: 'Returned', body: orderReturnedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('order.return'), ...DECIDED_PROBLEMS],
});

@ApiTags('orders')
@Controller('orders')
export class OrderChangesController {
  constructor(
    private readonly intake: CommandIntake,
    private readonly owners: Owners,
  ) {}

  @Post(':orderId/cancel')
  @Operation(cancel)
  cancel(@Input(cancel) { path, body, ...request }: InputOf<typeof cancel>): Promise<HttpResponse> {
    return this.#decide('order.cancel', { ...path, ...body }, request);
  }

  @Post(':orderId/fulfil')
  @Operation(fulfil)
  fulfil(@Input(fulfil) { path, body, ...request }: InputOf<typeof fulfil>): Promise<HttpResponse> {
    return this.#decide('order.fulfil', { ...path, ...body }, request);
  }

  @Post(':orderId/returns')
  @Operation(takeBack)
  takeBack(@Input(takeBack) { path, body, ...request }: InputOf<typeof takeBack>): Promise<HttpResponse> {
    const location = body.location ?? this.intake.branchId ?? CENTRAL;
    return this.#decide('order.return', { ...path, ...body, location }, request);
  }

  async #decide<K extends 'order.cancel' | 'order.fulfil' | 'order.return'>(
    kind: K,
    body: Parameters<typeof decideNow<K>>[1]['body'] & { orderId: string; customerId: string },
    request: DecidedInput,
  ): Promise<HttpResponse> {
    const customerId = spellingsOf(body.customerId).find((spelling) => isRoutedBy(body.orderId, spelling));
    if (customerId === undefined) throw problem('order-unknown');
    await refuseForeign(this.owners, request.caller, 'orders', body.orderId);
    const id = this.intake.commandId(requesterOf(request), kind, customerId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { ...body, customerId } });
    return respond(200, done.result, done.headers);
  }
}
