import { Controller, Delete, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  cartChangedSchema,
  cartItemPathSchema,
  commandAcceptedSchema,
  customerPathSchema,
  headers as headerNames,
  putCartItemRequestSchema,
  type CommandBody,
} from '@eco/contracts';
import { answer, Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { CommandIntake } from '../command-intake.js';
import { commandHeadersSchema, DECIDED_HEADERS, type CommandHeaders } from '../http/command-headers.js';
import { answerAccepted } from '../http/accepted.js';
import { COMMAND_PROBLEMS, decisionOf } from '../http/decision.js';
import { answerOrder, ORDER_PROBLEMS, orderAnswers } from '../orders/order-answer.js';

const edits = {
  headers: commandHeadersSchema,
  answers: {
    202: {
      description:
        'Accepted; with `EcoMarket-Durability: local` by this machine alone, until the brokers can be reached',
      body: commandAcceptedSchema,
      headers: ['Location', headerNames.preferenceApplied, headerNames.durability],
    },
    200: {
      description: 'Done, with `Prefer: wait`; `applied` is false when a later edit came before it',
      body: cartChangedSchema,
      headers: DECIDED_HEADERS,
    },
  },
  problems: COMMAND_PROBLEMS,
} as const;

const putItem = operation({
  summary: 'Put a product into a cart, or change how many',
  description: 'The latest edit of a product wins, by when it was made; so edits may come in any order.',
  path: cartItemPathSchema,
  body: putCartItemRequestSchema,
  ...edits,
  problems: ['cart-full', ...COMMAND_PROBLEMS],
});
const deleteItem = operation({
  summary: 'Take a product out of a cart',
  path: cartItemPathSchema,
  ...edits,
  problems: ['cart-full', ...COMMAND_PROBLEMS],
});
const deleteItems = operation({ summary: 'Empty a cart', path: customerPathSchema, ...edits });
const checkOut = operation({
  summary: 'Order what the cart holds',
  description: 'Decided from the cart as it is then. A rejected order leaves the cart as it was.',
  path: customerPathSchema,
  headers: commandHeadersSchema,
  answers: orderAnswers,
  problems: ['cart-empty', 'order-too-long', ...ORDER_PROBLEMS, ...COMMAND_PROBLEMS],
});

@ApiTags('carts')
@Controller('carts')
export class CartsController {
  constructor(private readonly intake: CommandIntake) {}

  @Put(':customerId/items/:productId')
  @Operation(putItem)
  putItem(@Input(putItem) { path, body, headers, correlationId }: InputOf<typeof putItem>): Promise<Answer> {
    return this.#edit('cart.edit', { ...path, quantity: body.quantity }, headers, correlationId);
  }

  @Delete(':customerId/items/:productId')
  @Operation(deleteItem)
  deleteItem(@Input(deleteItem) { path, headers, correlationId }: InputOf<typeof deleteItem>): Promise<Answer> {
    return this.#edit('cart.edit', { ...path, quantity: 0 }, headers, correlationId);
  }

  @Delete(':customerId/items')
  @Operation(deleteItems)
  deleteItems(@Input(deleteItems) { path, headers, correlationId }: InputOf<typeof deleteItems>): Promise<Answer> {
    return this.#edit('cart.clear', path, headers, correlationId);
  }

  @Post(':customerId/checkout')
  @Operation(checkOut)
  async checkOut(@Input(checkOut) { path, headers, correlationId }: InputOf<typeof checkOut>): Promise<Answer> {
    const { customerId } = path;
    const orderId = this.intake.orderId(customerId, headers['idempotency-key']);
    const submission = await this.intake.submit({
      id: orderId,
      kind: 'cart.checkout',
      body: { orderId, customerId, branchId: this.intake.branchId },
      correlationId,
      waitSeconds: headers.prefer ?? 0,
    });
    return answerOrder(decisionOf(submission, orderId, headers.prefer), orderId);
  }

  async #edit<K extends 'cart.edit' | 'cart.clear'>(
    kind: K,
    body: CommandBody<K>,
    headers: CommandHeaders,
    correlationId: string,
  ): Promise<Answer> {
    const id = this.intake.commandId(kind, body.customerId, headers['idempotency-key']);
    const submission = await this.intake.submit({ id, kind, body, correlationId, waitSeconds: headers.prefer ?? 0 });
    const decision = decisionOf(submission, id, headers.prefer);
    if (decision.type === 'done') return answer(200, decision.result, decision.headers);
    return answerAccepted(id, decision.headers);
  }
}
