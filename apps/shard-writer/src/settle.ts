import {
  commitBatch,
  openBatch,
  rollBack,
  tryBatch,
  type Fault,
  type LoadBounds,
  type LeaderTerm,
  type Removal,
  type WriterSession,
} from '@eco/database';
import {
  decidable,
  decideBatch,
  neededKeys,
  type Arrived,
  type BatchState,
  type Effects,
  type Failure,
} from '@eco/domain';

/** What a batch did, and how long each part of it took. */
export interface Committed {
  type: 'committed';
  /** What it settled: all that arrived, or what there was room for, of each queue from its front. */
  arrived: readonly Arrived[];
  state: BatchState;
  effects: Effects;
  ms: { load: number; decide: number; store: number };
}

type CommandFault = Extract<Fault, { type: 'command-fault' }>;
/** A fault that is no command's. */
export type OtherFault = Exclude<Fault, CommandFault>;

/** Commands that can't be processed, and why. */
type Parked = ReadonlyMap<Arrived, Failure>;

export interface SettleOptions {
  /** Commands that become dead letters without a try. */
  known?: Parked;
  /** Rows of `eco.suspect` that the same transaction deletes, if it settles anything that arrived. */
  suspectIds?: readonly string[];
  /** None: everything is loaded, however much it is. */
  bounds?: LoadBounds;
  /** Commands of one queue are settled in their order. None: all are of one. */
  queueOf?: (one: Arrived) => string;
  /** Rows whose time is over, which the same transaction removes. */
  removals?: readonly Removal[];
}

const ONE_QUEUE = () => '';

/**
 * Load → decide → store, in one transaction. A command that makes it impossible is found and becomes a dead letter in
 * the transaction that commits the rest. So when this says `committed`, every command of its `arrived` is settled for good.
 */
export async function settleBatch(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  arrived: readonly Arrived[],
  options: SettleOptions = {},
): Promise<Committed | OtherFault> {
  const parked = new Map<Arrived, Failure>(options.known);
  for (;;) {
    const opened = await decide(session, leaderTerm, arrived, parked, options);
    const startedAt = performance.now();
    const batch = opened.type === 'decided' ? opened.arrived : arrived;
    const suspectIds = batch.length === 0 ? [] : options.suspectIds;
    const done =
      opened.type === 'decided'
        ? await commitBatch(session, opened.state, opened.effects, suspectIds, options.removals)
        : opened;
    if (done.type === 'committed' && opened.type === 'decided') {
      const { state, effects, ms } = opened;
      return {
        type: 'committed',
        arrived: batch,
        state,
        effects,
        ms: { ...ms, store: performance.now() - startedAt },
      };
    }
    if (done.type !== 'command-fault') return done as OtherFault;
    // It is what the batch does by itself that can't be stored, and that is no command's fault.
    if (batch.length === 0) return { type: 'server-fault', error: done.error, lost: false };
    const found = await findBadCommand(session, leaderTerm, batch, parked, done, options);
    if (found.type !== 'found') return found;
    // Found again although it is parked: then it is not what can't be stored.
    if (parked.has(found.command)) return { type: 'server-fault', error: done.error, lost: false };
    parked.set(found.command, found.failure);
  }
}

/**
 * By halving: each command is decided from those before it alone, so the shortest beginning of the batch that can't be
 * stored ends with the bad one. Every try is rolled back.
 */
async function findBadCommand(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  arrived: readonly Arrived[],
  parked: Parked,
  whole: CommandFault,
  options: SettleOptions,
): Promise<{ type: 'found'; command: Arrived; failure: Failure } | OtherFault> {
  let good = 0;
  let bad = arrived.length;
  let fault = whole;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const opened = await decide(session, leaderTerm, arrived.slice(0, middle), parked, options);
    const tried = opened.type === 'decided' ? await tryBatch(session, opened.state, opened.effects) : opened;
    if (opened.type === 'decided' && opened.arrived.length < middle) {
      // Something has become due meanwhile and comes first, so this says nothing of these commands.
      return { type: 'server-fault', error: fault.error, lost: false };
    }
    if (tried.type === 'storable') {
      good = middle;
    } else if (tried.type === 'command-fault') {
      bad = middle;
      fault = tried;
    } else return tried;
  }
  const { errorClass, place, error } = fault;
  return { type: 'found', command: arrived[bad - 1] as Arrived, failure: { errorClass, place, reason: error.message } };
}

type Decided = Omit<Committed, 'type' | 'ms'> & { type: 'decided'; ms: { load: number; decide: number } };

/** Leaves the transaction open when it was decided, and none otherwise. */
async function decide(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  arrived: readonly Arrived[],
  parked: Parked,
  { bounds, queueOf = ONE_QUEUE }: SettleOptions,
): Promise<Decided | Fault> {
  const startedAt = performance.now();
  // A rule that throws is a bug, and no reason to stand still: its command is set aside like one that can't be stored.
  const keys = caught(() => keysOf(arrived, parked));
  if (keys instanceof Error) return bug(keys);
  const opened = await openBatch(session, leaderTerm, keys, bounds);
  if (opened.type !== 'opened') return opened;
  const { state, leftOut } = opened;
  const loadedAt = performance.now();
  const decided = caught(() => {
    // What is due of their products ends first, and there is more of it than one batch ends.
    const endings = leftOut.due ? decideBatch(state, []) : undefined;
    if (endings !== undefined && endings.outcomes.length > 0) return { arrived: [], effects: endings };
    const batch = decidable(arrived, leftOut, queueOf);
    return { arrived: batch, effects: decideBatch(state, batch, parked) };
  });
  if (decided instanceof Error) return (await rollBack(session)) ?? bug(decided);
  if (decided.arrived.length === 0 && arrived.length > 0 && decided.effects.outcomes.length === 0) {
    const error = new Error('the first command needs more than fits in a batch of this size');
    return (await rollBack(session)) ?? { type: 'server-fault', error, lost: false, isTooLarge: true };
  }
  const ms = { load: loadedAt - startedAt, decide: performance.now() - loadedAt };
  return { type: 'decided', ...decided, state, ms };
}

function bug(error: Error): CommandFault {
  const [, place] = /^\s*at (?:async )?(?:new )?([^\s(]+) \(/m.exec(error.stack ?? '') ?? [];
  return { type: 'command-fault', error, errorClass: 'rule', place: `${error.name} in ${place ?? 'a rule'}` };
}

function caught<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}

/** Of a parked command its id alone: what else it names may be what can't be loaded. */
function keysOf(arrived: readonly Arrived[], parked: Parked) {
  const keys = neededKeys(arrived.filter((one) => !parked.has(one)));
  const ids = new Set(keys.commandIds);
  for (const one of parked.keys()) ids.add(one.readable ? one.command.id : one.commandId);
  return { ...keys, commandIds: [...ids] };
}
