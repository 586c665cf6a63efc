import { Controller, Delete, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  cartEditedSchema,
  cartItemPathSchema,
  cartPathSchema,
  commandAcceptedSchema,
  headers as headerNames,
  highestStamp,
  putCartItemRequestSchema,
  stampSchema,
  reasonsOf,
  type CommandBody,
  type Stamp,
} from '@eco/contracts';
import { branchOf, respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake, type Submission } from '@eco/intake';
import {
  commandHeadersSchema,
  DECIDED_HEADERS,
  requesterOf,
  type CommandInput,
} from '../http/commands/command-headers.js';
import { acceptedResponse } from '../http/commands/accepted.js';
import { COMMAND_PROBLEMS, responseOf } from '../http/commands/command-response.js';
import { editsCart } from '../http/policies.js';
import { orderResponse, orderAnswers } from '../http/commands/order-answer.js';

const cartHeadersSchema = commandHeadersSchema.extend({
  'ecomarket-stamp': stampSchema.optional().meta({
    description: 'The stamp of the last answer about this cart, from any API: this request is later than that',
  }),
});
type CartHeaders = z.output<typeof cartHeadersSchema>;

const edits = {
  headers: cartHeadersSchema,
  answers: {
    202: {
      description:
        'Accepted; with `EcoMarket-Durability: local` only by this machine, until the brokers can be reached',
      body: commandAcceptedSchema,
      headers: ['Location', headerNames.stamp, headerNames.preferenceApplied, headerNames.durability],
    },
    200: {
      description:
        'Done, with `Prefer: wait`. If it is not `applied`, `reason` and `stamp` state what it lost to: a later edit (`superseded`), a ' +
        'later clear (`cleared`) or an order that took the product before this came (`ordered`, as `orderId`). ' +
        '`GET /commands/{id}` states the same for an edit without `Prefer: wait`',
      body: cartEditedSchema,
      headers: [headerNames.stamp, ...DECIDED_HEADERS],
    },
  },
  problems: COMMAND_PROBLEMS,
} as const;

const putItem = operation({
  id: 'putCartItem',
  summary: 'Add a product to a cart, or change its quantity',
  description:
    'The latest edit of a product wins, by when it was made; so edits may come in any order. A request with `EcoMarket-Stamp` ' +
    'is later than what its client saw, whatever the clocks; others are in order to within a second across APIs.',
  access: editsCart('cart.edit'),
  path: cartItemPathSchema,
  body: putCartItemRequestSchema,
  ...edits,
  problems: [...reasonsOf('cart.edit'), ...COMMAND_PROBLEMS],
});
const deleteItem = operation({
  id: 'removeCartItem',
  summary: 'Remove a product from a cart',
  access: editsCart('cart.edit'),
  path: cartItemPathSchema,
  ...edits,
  problems: [...reasonsOf('cart.edit'), ...COMMAND_PROBLEMS],
});
const deleteItems = operation({
  id: 'clearCart',
  summary: 'Empty a cart',
  access: editsCart('cart.clear'),
  path: cartPathSchema,
  ...edits,
});
const checkOut = operation({
  id: 'checkOutCart',
  summary: 'Order the content of the cart',
  description:
    'Decided from the cart as it is then, and takes out exactly what it orders: an edit that had not come by then stays in ' +
    'the cart. A rejected order does not change the cart.',
  access: { ...editsCart('cart.checkout'), graceful: true },
  path: cartPathSchema,
  headers: cartHeadersSchema,
  answers: {
    202: { ...orderAnswers[202], headers: [...orderAnswers[202].headers, headerNames.stamp] },
    201: { ...orderAnswers[201], headers: [...orderAnswers[201].headers, headerNames.stamp] },
  },
  problems: [...reasonsOf('cart.checkout'), ...COMMAND_PROBLEMS],
});

@ApiTags('carts')
@Controller('carts')
export class CartsController {
  constructor(private readonly intake: CommandIntake) {}

  @Put(':customerId/items/:productId')
  @Operation(putItem)
  putItem(@Input(putItem) { path, body, ...request }: InputOf<typeof putItem>): Promise<HttpResponse> {
    return this.#edit('cart.edit', { ...path, quantity: body.quantity }, request);
  }

  @Delete(':customerId/items/:productId')
  @Operation(deleteItem)
  deleteItem(@Input(deleteItem) { path, ...request }: InputOf<typeof deleteItem>): Promise<HttpResponse> {
    return this.#edit('cart.edit', { ...path, quantity: 0 }, request);
  }

  @Delete(':customerId/items')
  @Operation(deleteItems)
  deleteItems(@Input(deleteItems) { path, ...request }: InputOf<typeof deleteItems>): Promise<HttpResponse> {
    return this.#edit('cart.clear', path, request);
  }

  @Post(':customerId/checkout')
  @Operation(checkOut)
  async checkOut(
    @Input(checkOut) { path, headers, correlationId, trace, caller }: InputOf<typeof checkOut>,
  ): Promise<HttpResponse> {
    const { customerId } = path;
    const requester = requesterOf({ headers, caller });
    const orderId = this.intake.commandId(requester, 'cart.checkout', customerId);
    const stamp = this.#stampAfter(customerId, headers);
    const submission = await this.intake.submit({
      ...requester,
      id: orderId,
      kind: 'cart.checkout',
      body: { orderId, customerId, branchId: branchOf(caller, this.intake.branchId) },
      correlationId,
      trace,
      waitSeconds: headers.prefer ?? 0,
      stamp,
    });
    const response = responseOf(submission, orderId, headers.prefer);
    return orderResponse({ ...response, headers: { ...response.headers, [headerNames.stamp]: stamp } }, orderId);
  }

  async #edit<K extends 'cart.edit' | 'cart.clear'>(
    kind: K,
    body: CommandBody<K>,
    { headers, correlationId, trace, caller }: CommandInput<CartHeaders>,
  ): Promise<HttpResponse> {
    const { customerId } = body;
    const requester = requesterOf({ headers, caller });
    const id = this.intake.commandId(requester, kind, customerId);
    const stamp = this.#stampAfter(customerId, headers);
    const waitSeconds = headers.prefer ?? 0;
    const submission = await this.intake.submit({
      ...requester,
      id,
      kind,
      body,
      correlationId,
      trace,
      waitSeconds,
      stamp,
    });
    const response = responseOf(submission, id, headers.prefer);
    const winner = stampIn(submission);
    if (winner !== undefined) this.intake.noteStamp(customerId, winner);
    const responseHeaders = { ...response.headers, [headerNames.stamp]: highestStamp(stamp, winner) ?? stamp };
    return response.type === 'done'
      ? respond(200, response.result, responseHeaders)
      : acceptedResponse(id, responseHeaders);
  }

  /** Makes the command's stamp later than everything that the client saw of this cart. */
  #stampAfter(customerId: string, { 'ecomarket-stamp': seen }: CartHeaders): Stamp {
    if (seen !== undefined) this.intake.noteStamp(customerId, seen);
    return this.intake.nextStamp(customerId);
  }
}

/** The stamp that superseded the edit, if one did. */
function stampIn(submission: Submission): Stamp | undefined {
  if (submission.type !== 'answered' || submission.reply.type !== 'outcome') return undefined;
  return cartEditedSchema.safeParse(submission.reply.result).data?.stamp;
}
