import {
  commitBatch,
  openBatch,
  rollBack,
  tryBatch,
  type Fault,
  type Reign,
  type Removal,
  type WriterSession,
} from '@eco/database';
import { decideBatch, neededKeys, type Arrived, type BatchState, type Effects, type Failure } from '@eco/domain';

/** What a batch did, and how long each part of it took. */
export interface Committed {
  type: 'committed';
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
  /** Rows of `eco.suspect` that the same transaction deletes. */
  suspectIds?: readonly string[];
  /** Rows whose time is over, which the same transaction removes. */
  removals?: readonly Removal[];
}

/**
 * Load → decide → store, in one transaction. A command that makes it impossible is found and becomes a dead letter in
 * the transaction that commits the rest. So when this says `committed`, every command of the batch is settled for good.
 */
export async function settleBatch(
  session: WriterSession,
  reign: Reign,
  arrived: readonly Arrived[],
  { known = new Map(), suspectIds = [], removals = [] }: SettleOptions = {},
): Promise<Committed | OtherFault> {
  const parked = new Map<Arrived, Failure>(known);
  for (;;) {
    const opened = await decide(session, reign, arrived, parked);
    const startedAt = performance.now();
    const done =
      opened.type === 'decided'
        ? await commitBatch(session, opened.state, opened.effects, suspectIds, removals)
        : opened;
    if (done.type === 'committed' && opened.type === 'decided') {
      const { state, effects, ms } = opened;
      return { type: 'committed', state, effects, ms: { ...ms, store: performance.now() - startedAt } };
    }
    if (done.type !== 'command-fault') return done as OtherFault;
    // It is what the batch does by itself that can't be stored, and that is no command's fault.
    if (arrived.length === 0) return { type: 'server-fault', error: done.error, lost: false };
    const found = await findBadCommand(session, reign, arrived, parked, done);
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
  reign: Reign,
  arrived: readonly Arrived[],
  parked: Parked,
  whole: CommandFault,
): Promise<{ type: 'found'; command: Arrived; failure: Failure } | OtherFault> {
  let good = 0;
  let bad = arrived.length;
  let fault = whole;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const opened = await decide(session, reign, arrived.slice(0, middle), parked);
    const tried = opened.type === 'decided' ? await tryBatch(session, opened.state, opened.effects) : opened;
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
  reign: Reign,
  arrived: readonly Arrived[],
  parked: Parked,
): Promise<Decided | Fault> {
  const startedAt = performance.now();
  // A rule that throws is a bug, and no reason to stand still: its command is set aside like one that can't be stored.
  const keys = caught(() => keysOf(arrived, parked));
  if (keys instanceof Error) return bug(keys);
  const opened = await openBatch(session, reign, keys);
  if (opened.type !== 'opened') return opened;
  const { state } = opened;
  const loadedAt = performance.now();
  const effects = caught(() => decideBatch(state, arrived, parked));
  if (effects instanceof Error) return (await rollBack(session)) ?? bug(effects);
  return { type: 'decided', state, effects, ms: { load: loadedAt - startedAt, decide: performance.now() - loadedAt } };
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
