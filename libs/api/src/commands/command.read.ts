import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Caller } from '@eco/access';
import { commandOutcomeSchema, commandPathSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { AwaitedCommands } from '../http/awaited-commands.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { commandQuery } from './command.query.js';

const getCommand = operation({
  id: 'getCommand',
  summary: 'The decision about a command',
  description:
    'An order is the command of its id. With `Prefer: wait=N` the answer waits for the outcome. The outcome is of the ' +
    'request that came first under its `Idempotency-Key`; `keyConflicts` counts others with the same key and another ' +
    'content, which are kept for an operator and will not be carried out.',
  access: {
    customer: 'own commands',
    cashier: 'own commands',
    'branch-manager': 'own commands',
    integration: 'own commands',
    manager: 'any',
    administrator: 'any',
  },
  path: commandPathSchema,
  headers: readHeadersSchema,
  answers: {
    200: { description: 'Decided, or a dead letter', body: commandOutcomeSchema, headers: READ_ANSWER_HEADERS },
  },
  problems: ['command-unknown', ...READ_PROBLEMS],
});

@ApiTags('commands')
@Controller('commands')
export class CommandController {
  constructor(
    private readonly reads: Reads,
    private readonly awaited: AwaitedCommands,
  ) {}

  @Get(':commandId')
  @Operation(getCommand)
  async get(@Input(getCommand) { path, headers, caller }: InputOf<typeof getCommand>): Promise<HttpResponse> {
    const { commandId } = path;
    const options = readOptionsOf(headers);
    const { rows, extra, source } = await this.awaited.readUntil(
      [commandId],
      options,
      async () => answered(await this.reads.ofId(commandId, commandQuery, [commandId], options)),
      (read) => read.rows.length > 0 || read.extra.dead_letter !== null,
    );
    const [row] = rows;
    const { dead_letter: letter } = extra;
    const found = row ?? letter;
    if (found === null || !isOwn(caller, found)) {
      throw problem('command-unknown', { headers: headersOf([source], options, []) });
    }
    const read = headersOf([source], options, [commandId]);
    if (row !== undefined) {
      const { kind, status, result, decided_at } = row;
      const decided = { commandId, kind, status, result: result ?? {}, decidedAt: decided_at.toISOString() };
      const { key_conflicts: keyConflicts } = extra;
      return respond(200, keyConflicts > 0 ? { ...decided, keyConflicts } : decided, read);
    }
    return respond(200, { commandId, status: 'dead-letter', reason: letter?.reason, since: letter?.since }, read);
  }
}

/** `actor`: the account that requested the command. `sender`: the broker user that sent it. Null: unknown. */
function isOwn(
  { principal: { id, statedBy }, reach }: Caller,
  { actor, sender }: { readonly actor: string | null; readonly sender: string | null },
): boolean {
  return reach !== 'own commands' || (actor === id && (statedBy === undefined || statedBy === sender));
}
