import { headers, refusalSchema, type ProblemName, type Reply } from '@eco/contracts';
import { problem, type ProblemError } from '@eco/service';
import type { Settlement, Submission } from '@eco/intake';

/*
 * The one table from the result of a command to its HTTP response.
 *
 *   result                             response
 *   accepted                           202, the controller adds the body
 *   accepted on this machine           the same, at once, with EcoMarket-Durability: local
 *   done                               2xx, the controller adds the body
 *   refused, with reason R             the problem R: 404 what is unknown, 409 the rest
 *   refused, with a reason unknown here 409 command-refused, with the reason
 *   expired, discarded                 409 command-expired, command-discarded
 *   another command under the same id  422 key-conflict
 *   kept as a dead letter              500 dead-letter
 *   not accepted                       503 not-accepted, Retry-After
 *   not known whether accepted         503 acceptance-unknown, Retry-After; with the same Idempotency-Key
 *
 * For commands that must be decided while the client waits:
 *
 *   expired                            503 not-done, Retry-After; with a new Idempotency-Key
 *   not even that is known             504 outcome-unknown; ask GET /commands/{id}
 */

/** Results to which a controller responds itself. Everything else is thrown as a problem. */
export type CommandResponse = { readonly type: 'accepted'; readonly headers: Record<string, string> } | DoneResponse;

export interface DoneResponse {
  readonly type: 'done';
  readonly result: Record<string, unknown>;
  readonly headers: Record<string, string>;
}

/** Problems of any command, for the API document; reasons of refusals are added to them. */
export const COMMAND_PROBLEMS = [
  'command-refused',
  'key-conflict',
  'command-expired',
  'command-discarded',
  'dead-letter',
  'forbidden',
  'not-accepted',
  'acceptance-unknown',
] as const satisfies readonly ProblemName[];

/** Time after which a client should retry, s. It is about the time that the brokers need to elect new leaders. */
const RETRY_AFTER = { [headers.retryAfter]: '2' };

/** Applies the table. `asked` is the wait that the client requested, s; undefined: none. */
export function responseOf(submission: Submission, commandId: string, asked: number | undefined): CommandResponse {
  switch (submission.type) {
    case 'accepted':
      return { type: 'accepted', headers: appliedHeaders(asked) };
    case 'accepted-locally':
      // The client does not wait: the command is decided once the brokers are back.
      return { type: 'accepted', headers: { [headers.durability]: 'local' } };
    case 'answered':
      return answeredResponse(submission, asked);
    case 'not-accepted':
      throw notAccepted(submission.obstacle);
    case 'acceptance-unknown':
      throw problem('acceptance-unknown', {
        detail: `The command may be done: ${submission.obstacle}. Repeat it with the same Idempotency-Key, or query ${commandId}`,
        headers: RETRY_AFTER,
        members: { commandId },
      });
  }
}

/** Problems of such a command, apart from its reasons of refusal. */
export const DECIDED_PROBLEMS = [
  'command-refused',
  'key-conflict',
  'command-discarded',
  'dead-letter',
  'forbidden',
  'not-accepted',
  'not-done',
  'outcome-unknown',
] as const satisfies readonly ProblemName[];

/** Applies the second part of the table. Throws a problem if the command was not done. */
export function doneResponseOf(settlement: Settlement, commandId: string, asked: number | undefined): DoneResponse {
  switch (settlement.type) {
    case 'answered':
      if (settlement.reply.type === 'outcome' && settlement.reply.status === 'expired') throw notDone(commandId);
      return answeredResponse(settlement, asked);
    case 'not-accepted':
      throw notAccepted(settlement.obstacle);
    case 'not-done':
      throw notDone(commandId);
    case 'outcome-unknown':
      throw problem('outcome-unknown', {
        detail: `Query /commands/${commandId}, or repeat the request with the same Idempotency-Key`,
        headers: { Location: `/commands/${commandId}` },
        members: { commandId },
      });
  }
}

/** Throws a problem unless the command was done. */
function answeredResponse(
  { reply, position }: Extract<Submission, { type: 'answered' }>,
  asked: number | undefined,
): DoneResponse {
  const repeated = reply.type === 'outcome' && reply.repeated;
  const responseHeaders = {
    ...appliedHeaders(asked),
    ...(position === '' ? {} : { [headers.position]: position }),
    ...(repeated ? { [headers.idempotentReplayed]: 'true' } : {}),
  };
  if (reply.type === 'outcome' && reply.status === 'done') {
    return { type: 'done', result: reply.result, headers: responseHeaders };
  }
  throw refusalOf(reply, responseHeaders);
}

function appliedHeaders(asked: number | undefined): Record<string, string> {
  return asked === undefined ? {} : { [headers.preferenceApplied]: `wait=${asked}` };
}

function notAccepted(obstacle: string): ProblemError {
  return problem('not-accepted', {
    detail: `The command was not accepted: ${obstacle}. Nothing was done`,
    headers: RETRY_AFTER,
  });
}

function notDone(commandId: string): ProblemError {
  return problem('not-done', {
    detail:
      'The command expired before it was decided and will not be carried out. To try again, send a new Idempotency-Key.',
    headers: RETRY_AFTER,
    members: { commandId },
  });
}

function refusalOf(reply: Reply, responseHeaders: Record<string, string>): ProblemError {
  const { commandId } = reply;
  switch (reply.type) {
    case 'key-conflict':
      return problem('key-conflict', {
        detail: `${commandId} is the request that arrived first under this key`,
        headers: responseHeaders,
        members: { commandId },
      });
    case 'dead-letter':
      return problem(reply.forbidden ? 'forbidden' : 'dead-letter', {
        detail: reply.reason,
        headers: responseHeaders,
        members: { commandId },
      });
    case 'outcome': {
      // The other members give details, such as every short line.
      const { reason, status, ...members } = reply.result;
      const name = refusals[reply.status](reason ?? status);
      return problem(name, {
        headers: responseHeaders,
        members: { commandId, ...(name === 'command-refused' && { reason }), ...members },
      });
    }
  }
}

const refusals: Record<Extract<Reply, { type: 'outcome' }>['status'], (reason: unknown) => ProblemName> = {
  done: () => 'internal',
  refused: problemOf,
  expired: () => 'command-expired',
  discarded: () => 'command-discarded',
};

/** The reason of a refusal is the name of its problem. The outcome of an order says `rejected` instead. */
function problemOf(reason: unknown): ProblemName {
  if (reason === 'rejected') return 'order-rejected';
  // A newer writer may have reasons that this API does not know.
  return refusalReasons.find((name) => name === reason) ?? 'command-refused';
}

const refusalReasons: readonly ProblemName[] = refusalSchema.shape.reason.options;
