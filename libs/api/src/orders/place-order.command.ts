import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { placeOrderRequestSchema, reasonsOf } from '@eco/contracts';
import { branchOf, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { commandHeadersSchema, requesterOf } from '../http/commands/command-headers.js';
import { COMMAND_PROBLEMS, responseOf } from '../http/commands/command-response.js';
import { changesOrders } from '../http/policies.js';
import { orderResponse, orderAnswers } from '../http/commands/order-answer.js';

const placeOrder = operation({
  id: 'placeOrder',
  summary: 'Place an order',
  description:
    'All lines or none, at the prices of the catalogue. Answered at once; with `Prefer: wait=N`, by what was decided. ' +
    'A repeat with the same `Idempotency-Key` is for the same order.',
  access: { anonymous: 'guest', ...changesOrders('order.place'), graceful: true },
  headers: commandHeadersSchema,
  body: placeOrderRequestSchema,
  answers: orderAnswers,
  problems: [...reasonsOf('order.place'), ...COMMAND_PROBLEMS],
});

@ApiTags('orders')
@Controller('orders')
export class PlaceOrderController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(placeOrder)
  async place(
    @Input(placeOrder) { headers, body, correlationId, trace, caller }: InputOf<typeof placeOrder>,
  ): Promise<HttpResponse> {
    const { customerId, lines } = body;
    const requester = requesterOf({ headers, caller });
    const orderId = this.intake.commandId(requester, 'order.place', customerId);
    const submission = await this.intake.submit({
      ...requester,
      id: orderId,
      kind: 'order.place',
      body: { orderId, customerId, branchId: branchOf(caller, this.intake.branchId), lines },
      correlationId,
      trace,
      waitSeconds: headers.prefer ?? 0,
    });
    return orderResponse(responseOf(submission, orderId, headers.prefer), orderId);
  }
}
