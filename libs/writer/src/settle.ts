import type { LoadBounds } from '@eco/database';
import {
  decidable,
  decideBatch,
  neededKeys,
  type Arrived,
  type BatchState,
  type Effects,
  type Failure,
} from '@eco/domain';
import { commitBatch, openBatch, rollBack, tryBatch } from './batch-transaction.js';
import { withoutCommand, type BatchFailure, type CommandError, type OtherFailure } from './batch-failure.js';
import type { LeaderTerm } from './leader-term.js';
import type { Removal } from './retention.js';
import type { WriterSession } from './session.js';
import type { Taken } from './taken.js';

/** Result of a batch, and the time of each phase. */
export interface Committed<T extends Taken = Taken> {
  type: 'committed';
  /** The commands that the batch settled: all of the part, or those of each queue's front that fit. */
  taken: readonly T[];
  state: BatchState;
  /** `replies`: one for each of `taken`, in its order. */
  effects: Effects;
  ms: { load: number; decide: number; store: number };
}

/** Commands that can't be processed, with the reason. */
type Failures = ReadonlyMap<Arrived, Failure>;

export interface SettleOptions {
  /** Commands that become dead letters without being tried. */
  known?: Failures;
  /** Rows of `eco.suspect` that the transaction deletes if it settles at least one command. */
  suspectIds?: readonly string[];
  /** Limits of the load. Undefined: there are none. */
  bounds?: LoadBounds;
  /** Expired rows that the transaction removes. */
  removals?: readonly Removal[];
}

/**
 * Load → decide → store, in one transaction. A command that makes this impossible is found and becomes a dead letter in
 * the transaction that commits the rest. So if the result is `committed`, every command in its `taken` is settled for
 * good.
 */
export async function settleBatch<T extends Taken>(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  taken: readonly T[],
  options: SettleOptions = {},
): Promise<Committed<T> | OtherFailure> {
  const failures = new Map<Arrived, Failure>(options.known);
  for (;;) {
    const opened = await decide(session, leaderTerm, taken, failures, options);
    const done = opened.type === 'decided' ? await commit(session, opened, options) : opened;
    if (done.type !== 'command-error') return done;
    const batch = opened.type === 'decided' ? opened.taken : taken;
    // The batch had no commands, so an expiry that the writer itself created failed.
    if (batch.length === 0) return withoutCommand(done);
    const found = await findBadCommand(session, leaderTerm, batch, failures, done, options);
    if (found.type !== 'found') return found;
    // This command is a dead letter already. It was found again, so another statement can't be stored.
    if (failures.has(found.command)) return withoutCommand(done);
    failures.set(found.command, found.failure);
  }
}

/**
 * Finds the bad command by halving the batch. Each command is decided from those before it alone. So the shortest
 * beginning of the batch that can't be stored ends with the bad command. Every try is rolled back.
 */
async function findBadCommand<T extends Taken>(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  taken: readonly T[],
  failures: Failures,
  whole: CommandError,
  options: SettleOptions,
): Promise<{ type: 'found'; command: Arrived; failure: Failure } | OtherFailure> {
  let good = 0;
  let bad = taken.length;
  let failure = whole;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const opened = await decide(session, leaderTerm, taken.slice(0, middle), failures, options);
    const tried = opened.type === 'decided' ? await tryBatch(session, opened.state, opened.effects) : opened;
    if (opened.type === 'decided' && opened.taken.length < middle) {
      // A reservation became due meanwhile and is decided first, so this try says nothing about these commands.
      return withoutCommand(failure);
    }
    if (tried.type === 'storable') {
      good = middle;
    } else if (tried.type === 'command-error') {
      bad = middle;
      failure = tried;
    } else return tried;
  }
  const { errorClass, failureSite, error } = failure;
  return {
    type: 'found',
    command: (taken[bad - 1] as T).arrived,
    failure: { errorClass, failureSite, reason: error.message },
  };
}

type Decided<T extends Taken> = Omit<Committed<T>, 'type' | 'ms'> & {
  type: 'decided';
  ms: { load: number; decide: number };
};

/** If the batch was decided, the transaction stays open; otherwise none is open. */
async function decide<T extends Taken>(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  taken: readonly T[],
  failures: Failures,
  { bounds }: SettleOptions,
): Promise<Decided<T> | BatchFailure> {
  const startedAt = performance.now();
  const arrived = taken.map((each) => each.arrived);
  // A rule that throws is a bug, but must not stop the group. Its command becomes a dead letter, like one that can't be
  // stored.
  const keys = caught(() => keysOf(arrived, failures));
  if (keys instanceof Error) return bug(keys);
  const opened = await openBatch(session, leaderTerm, keys, bounds);
  if (opened.type !== 'opened') return opened;
  const { state, leftOut } = opened;
  const loadedAt = performance.now();
  const decided = caught(() => {
    // The due reservations of these products end first. They are too many for one batch, so this batch ends only a part
    // of them.
    const endings = leftOut.due ? decideBatch(state, []) : undefined;
    if (endings !== undefined && endings.outcomes.length > 0) return { taken: [], effects: endings };
    const batch = decidable(taken, leftOut);
    const decidedNow = batch === taken ? arrived : batch.map((each) => each.arrived);
    return { taken: batch, effects: decideBatch(state, decidedNow, failures) };
  });
  if (decided instanceof Error) return (await rollBack(session)) ?? bug(decided);
  if (decided.taken.length === 0 && taken.length > 0 && decided.effects.outcomes.length === 0) {
    const error = new Error('the first command needs more than fits in a batch of this size');
    return (await rollBack(session)) ?? { type: 'server-error', error, lost: false, isTooLarge: true };
  }
  const ms = { load: loadedAt - startedAt, decide: performance.now() - loadedAt };
  return { type: 'decided', ...decided, state, ms };
}

async function commit<T extends Taken>(
  session: WriterSession,
  { taken, state, effects, ms }: Decided<T>,
  { suspectIds, removals }: SettleOptions,
): Promise<Committed<T> | BatchFailure> {
  const startedAt = performance.now();
  const settledSuspects = taken.length === 0 ? [] : suspectIds;
  const committed = await commitBatch(session, state, effects, settledSuspects, removals);
  if (committed.type !== 'committed') return committed;
  return { type: 'committed', taken, state, effects, ms: { ...ms, store: performance.now() - startedAt } };
}

function bug(error: Error): CommandError {
  const [, failureSite] = /^\s*at (?:async )?(?:new )?([^\s(]+) \(/m.exec(error.stack ?? '') ?? [];
  return {
    type: 'command-error',
    error,
    errorClass: 'rule',
    failureSite: `${error.name} in ${failureSite ?? 'a rule'}`,
  };
}

function caught<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}

/** Keys of a failed command: only its id, because its other keys may be those that can't be loaded. */
function keysOf(arrived: readonly Arrived[], failures: Failures) {
  const keys = neededKeys(arrived.filter((one) => !failures.has(one)));
  const ids = new Set(keys.commandIds);
  for (const one of failures.keys()) ids.add(one.readable ? one.command.id : one.commandId);
  return { ...keys, commandIds: [...ids] };
}
