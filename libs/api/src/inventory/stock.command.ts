import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  adjustStockRequestSchema,
  countStockRequestSchema,
  productPathSchema,
  receiveStockRequestSchema,
  stockMovedSchema,
  reasonsOf,
  type CommandBody,
} from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import {
  DECIDED_HEADERS,
  decidedHeadersSchema,
  requesterOf,
  type DecidedInput,
} from '../http/commands/command-headers.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { decideNow } from '../http/commands/decide-now.js';
import { changesStock } from '../http/policies.js';

const stockChange = <const B extends z.ZodType>(body: B) =>
  ({
    path: productPathSchema,
    headers: decidedHeadersSchema,
    body,
    answers: {
      200: { description: 'Done; the resulting level', body: stockMovedSchema, headers: DECIDED_HEADERS },
    },
  }) as const;

const receive = operation({
  id: 'receiveStock',
  summary: 'Receive units of a product',
  access: changesStock('stock.receive'),
  ...stockChange(receiveStockRequestSchema),
  problems: [...reasonsOf('stock.receive'), ...DECIDED_PROBLEMS],
});
const adjust = operation({
  id: 'adjustStock',
  summary: 'Change the units on hand by a difference',
  description: 'Never below what is reserved.',
  access: changesStock('stock.adjust'),
  ...stockChange(adjustStockRequestSchema),
  answers: {
    200: {
      description: 'Done; the resulting level',
      body: stockMovedSchema.extend({ reason: z.string() }),
      headers: DECIDED_HEADERS,
    },
  },
  problems: [...reasonsOf('stock.adjust'), ...DECIDED_PROBLEMS],
});
const count = operation({
  id: 'countStock',
  summary: 'Set the units on hand to a counted number',
  description:
    'Only while the level is `expected` still, as it was read when the units were counted; else `stock-count-stale` says ' +
    'what it is. Never below what is reserved.',
  access: changesStock('stock.count'),
  ...stockChange(countStockRequestSchema),
  problems: [...reasonsOf('stock.count'), ...DECIDED_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class StockController {
  constructor(private readonly intake: CommandIntake) {}

  @Post(':productId/receipts')
  @Operation(receive)
  receive(@Input(receive) { path, body, ...request }: InputOf<typeof receive>): Promise<HttpResponse> {
    return this.#decide('stock.receive', { ...path, ...body }, request);
  }

  @Post(':productId/adjustments')
  @Operation(adjust)
  adjust(@Input(adjust) { path, body, ...request }: InputOf<typeof adjust>): Promise<HttpResponse> {
    return this.#decide('stock.adjust', { ...path, ...body }, request);
  }

  @Post(':productId/counts')
  @Operation(count)
  count(@Input(count) { path, body, ...request }: InputOf<typeof count>): Promise<HttpResponse> {
    return this.#decide('stock.count', { ...path, ...body }, request);
  }

  async #decide<K extends 'stock.receive' | 'stock.adjust' | 'stock.count'>(
    kind: K,
    body: CommandBody<K>,
    request: DecidedInput,
  ): Promise<HttpResponse> {
    const id = this.intake.commandId(requesterOf(request), kind, body.productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body });
    return respond(200, done.result, done.headers);
  }
}
