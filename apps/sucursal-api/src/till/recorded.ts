import { z } from 'zod';
import type { Caller } from '@eco/access';
import { formatTraceParent, type TraceParent } from '@eco/base';
import type { Asked, BranchDatabase, Frozen, Recorded } from '@eco/branch';
import { headers, type CommandKind, type ProblemName } from '@eco/contracts';
import { CommandIntake } from '@eco/intake';
import { idempotencyKeySchema, problem, respond, type HttpResponse, type ProblemError } from '@eco/service';

/** Headers of a request that the branch records. It must have a key, so that a repeat records nothing. */
export const recordHeadersSchema = z.object({ 'idempotency-key': idempotencyKeySchema });

interface RecordInput {
  readonly headers: z.output<typeof recordHeadersSchema>;
  readonly correlationId: string;
  readonly trace: TraceParent | undefined;
  readonly caller: Caller;
}

/** Headers of a response to such a request. */
export const RECORDED_HEADERS = [headers.idempotentReplayed];

/** Problems of every request that the branch records, apart from its refusals. */
export const RECORD_PROBLEMS = [
  'key-conflict',
  'not-accepted',
  'acceptance-unknown',
] as const satisfies readonly ProblemName[];

/** Time after which a client should retry, s. */
const RETRY_AFTER = { [headers.retryAfter]: '2' };

/** Makes the ids of requests. The same key of one person gives the same id. */
export class Requests {
  readonly #intake: CommandIntake;
  readonly #branchId: string;

  constructor(intake: CommandIntake, branchId: string) {
    this.#intake = intake;
    this.#branchId = branchId;
  }

  /** `kind`: the command that will report it to the head office. */
  asked(kind: CommandKind, { headers: given, correlationId, trace, caller: { principal } }: RecordInput): Asked {
    const idOf = (idKey: typeof principal.idKey) =>
      this.#intake.commandId(
        { principal: { ...principal, idKey }, idempotencyKey: given['idempotency-key'] },
        kind,
        this.#branchId,
      );
    return {
      id: idOf(principal.idKey),
      formerIds: principal.formerIdKeys.map(idOf),
      correlationId,
      traceparent: trace && formatTraceParent(trace),
      actor: { id: principal.id, branchId: principal.branchId ?? this.#branchId },
    };
  }
}

/** Gives the problem of a refusal. Every request can be refused with `frozen`, which this module answers. */
type Refused<Refusal> = (refusal: Exclude<Refusal, Frozen>) => ProblemError;

/** A recorded value. Throws the problem if nothing was recorded. */
function recorded<T, Refusal extends { readonly reason: string }>(
  outcome: Recorded<T, Refusal>,
  refused: Refused<Refusal>,
): { readonly value: T; readonly headers: Readonly<Record<string, string>> } {
  switch (outcome.type) {
    case 'done':
      return {
        value: outcome.value,
        headers: outcome.repeated ? { [headers.idempotentReplayed]: 'true' } : {},
      };
    case 'refused':
      throw outcome.refusal.reason === 'frozen'
        ? frozenProblem()
        : refused(outcome.refusal as Exclude<Refusal, Frozen>);
    case 'key-conflict':
      throw problem('key-conflict');
    case 'full':
      throw problem('not-accepted', {
        detail: `The branch can't record it: ${outcome.obstacle}. Nothing was done`,
        headers: RETRY_AFTER,
      });
    case 'failed':
      throw problem('acceptance-unknown', {
        detail: `It may be recorded: ${outcome.obstacle}. Repeat it with the same Idempotency-Key`,
        headers: RETRY_AFTER,
      });
  }
}

/** The response 201 with what was recorded, or the problem. */
export function createdOr<T, Refusal extends { readonly reason: string }>(
  outcome: Recorded<T, Refusal>,
  refused: Refused<Refusal>,
  { body, location }: { readonly body: (value: T) => unknown; readonly location: (value: T) => string },
): HttpResponse {
  const { value, headers: sent } = recorded(outcome, refused);
  return respond(201, body(value), { Location: location(value), ...sent });
}

/** The response 200 with what was recorded, or the problem. */
export function doneOr<T, Refusal extends { readonly reason: string }>(
  outcome: Recorded<T, Refusal>,
  refused: Refused<Refusal>,
  body: (value: T) => unknown,
): HttpResponse {
  const { value, headers: sent } = recorded(outcome, refused);
  return respond(200, body(value), sent);
}

/** For a request that the branch never refuses. */
export function neverRefused(refusal: never): ProblemError {
  throw new Error(`unexpected refusal ${JSON.stringify(refusal)}`);
}

const frozenProblem = (): ProblemError =>
  problem('not-reconciled', {
    detail:
      'The branch takes over its units from the head office when it is online. Orders are accepted meanwhile: POST /orders',
  });

/** The till that a request names, or the only one. */
export function tillOf({ shifts }: BranchDatabase, named: string | undefined): string {
  if (named !== undefined) return named;
  const [only, another] = shifts.tills();
  if (only === undefined) throw problem('till-unknown', { detail: 'A branch manager must register one: POST /tills' });
  if (another !== undefined) throw problem('till-not-named');
  return only.till;
}
