/**
 * Decisions of a failover. They are pure; `fail-over.ts` carries them out, and ADR 0089 has the argument.
 *
 * A commit is acknowledged when its primary and one of the counting replicas have it. Once every counting replica is
 * detached, nobody can acknowledge a commit, and the replica that has replayed most has every acknowledged one.
 */

/** What is known about a primary. */
export interface PrimarySigns {
  /** Its process has ended, and nobody asked it to. */
  readonly hasEnded: boolean;
  /** Probes without an answer since the last answer. */
  readonly silentProbes: number;
  /** Number of replicas that stream from it, by their own report. */
  readonly streamsTo: number;
}

/** Probes without an answer after which a primary counts as lost, unless a replica streams from it. */
const SILENT_PROBES_MAX = 4;

/**
 * Whether the primary is lost. A busy primary may be silent for seconds, and its replicas then still stream. If it is
 * frozen or cut off, they give it up after `wal_receiver_timeout`.
 */
export function isLost({ hasEnded, silentProbes, streamsTo }: PrimarySigns): boolean {
  return hasEnded || (silentProbes >= SILENT_PROBES_MAX && streamsTo === 0);
}

/** The state of a replica's replay. Positions are in bytes of log. */
export interface ReplayProgress {
  /** A process that receives log runs. */
  readonly hasReceiver: boolean;
  /** The end of the received log; undefined: nothing was received since the server started. */
  readonly received: bigint | undefined;
  readonly replayed: bigint;
  /** Replay waits for log that the server does not have. */
  readonly waitsForLog: boolean;
}

/**
 * Whether a replica has replayed everything that it has. Stalled replay is not done: it may wait for a read.
 * The received log usually ends in half a record, so `replayed` may never reach `received`. Then it is done if replay
 * waited for log at two looks in a row.
 */
export function isReplayDone(before: ReplayProgress | undefined, now: ReplayProgress): boolean {
  if (now.hasReceiver) return false;
  if (now.received !== undefined && now.replayed >= now.received) return true;
  if (before === undefined || before.hasReceiver) return false;
  return before.waitsForLog && now.waitsForLog && before.replayed === now.replayed;
}

/** A replica that receives nothing any more, and has replayed all that it has. */
export interface Detached {
  readonly name: string;
  readonly replayed: bigint;
}

/** The replica that has replayed most. Undefined: there is none. */
export function mostAdvanced(detached: readonly Detached[]): Detached | undefined {
  return detached.reduce<Detached | undefined>(
    (best, each) => (best === undefined || each.replayed > best.replayed ? each : best),
    undefined,
  );
}

export type Choice =
  | { readonly type: 'promote'; readonly name: string }
  | { readonly type: 'refuse'; readonly missing: readonly string[] };

/**
 * Which replica becomes the primary. `counting`: the replicas that may have acknowledged a commit. If one of them is
 * not among the detached, it alone may have it, so the choice is refused unless the operator accepts the loss. `preferred`
 * is taken if no replica has replayed more.
 */
export function chooseNode({
  detached,
  counting,
  preferred,
  acceptLoss = false,
}: {
  readonly detached: readonly Detached[];
  readonly counting: readonly string[];
  readonly preferred?: string | undefined;
  readonly acceptLoss?: boolean | undefined;
}): Choice {
  const missing = counting.filter((name) => !detached.some((each) => each.name === name));
  const best = mostAdvanced(detached);
  if (best === undefined || (missing.length > 0 && !acceptLoss)) return { type: 'refuse', missing };
  const wanted = detached.find(({ name }) => name === preferred);
  return { type: 'promote', name: wanted?.replayed === best.replayed ? wanted.name : best.name };
}

/**
 * A change of the replicas whose acknowledgement counts, as a row on the primary: while a replica is away, only the
 * other ones count. The row is valid on one timeline, so a later primary does not inherit it.
 */
export interface CountingRule {
  readonly timeline: number;
  readonly nodes: readonly string[];
}

export type RuleChange =
  | { readonly type: 'shrink'; readonly nodes: readonly string[]; readonly away: readonly string[] }
  | { readonly type: 'widen' };

/**
 * How the counting replicas should change. They shrink to the streaming ones when all others have been away for
 * `limitMs`, so that the loss of the primary then needs only the streaming ones. They widen when all stream again. A rule
 * of another timeline is void. A rule is never exchanged for another one: only its own nodes know that it ended.
 */
export function ruleChange({
  awayMs,
  rule,
  timeline,
  limitMs,
}: {
  /** Time since each replica streamed last, ms; 0: it streams. */
  readonly awayMs: ReadonlyMap<string, number>;
  readonly rule: CountingRule | undefined;
  readonly timeline: number;
  readonly limitMs: number;
}): RuleChange | undefined {
  const replicas = [...awayMs.keys()];
  const nodes = replicas.filter((name) => awayMs.get(name) === 0);
  const away = replicas.filter((name) => !nodes.includes(name));
  if (rule !== undefined) {
    const isVoid = rule.timeline !== timeline && nodes.length > 0;
    return isVoid || away.length === 0 ? { type: 'widen' } : undefined;
  }
  const areGone = away.every((name) => (awayMs.get(name) ?? 0) >= limitMs);
  return nodes.length > 0 && away.length > 0 && areGone ? { type: 'shrink', nodes, away } : undefined;
}

/** The nodes of a rule, if it is valid for a replica that knows the log up to `timeline`. */
export function validNodes(rule: CountingRule | undefined, timeline: number): readonly string[] | undefined {
  return rule !== undefined && rule.timeline === timeline ? rule.nodes : undefined;
}
