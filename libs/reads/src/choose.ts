import { compareBatchPositions, covers, type GroupTerm, type BatchPosition } from '@eco/routing';

/*
 * Which node answers a read: rules over what is known of the nodes, without a clock, a network or a state of their own.
 *
 * A reader who wishes nothing takes a replica that is well: it follows within the lag limit and has not just failed in a
 * way that no client can cause. When there is none, the primary; else the freshest node there is. A reader with a position or a greatest lag takes a replica that is known to do. What is known is as old as
 * the last probe or answer, and a reader that has just written is ahead of it nearly always. So while the reader may
 * wait, a replica that is only a little behind is asked all the same: the answer tells whether it has come up by now.
 * Then the primary.
 *
 * When every replica is late at once, all readers would run to the primary, which has the writes to do. So it is taken
 * only while its budget allows it. Beyond that a reader who wishes nothing gets the freshest replica, and one who does
 * waits on. With no replica there is nothing to spare the primary for.
 *
 * Of several equally good replicas two are drawn and the less loaded, faster one is taken: as good as looking at all of
 * them, and a thousand readers do not all run to the same one (Mitzenmacher, "The power of two choices", 2001).
 */

/** What is known of a node that can answer. */
export interface ReadableNode {
  readonly name: string;
  readonly role: 'primary' | 'replica';
  readonly position: BatchPosition;
  /** `group_term` as this node has it; reaches `position.term`. */
  readonly terms: readonly GroupTerm[];
  /** Age of the oldest batch that it has not shown; undefined: not known. */
  readonly lagMs: number | undefined;
  /** False: a replica that nobody sends the log to. What it shows grows old, whatever its lag says. */
  readonly follows: boolean;
  /** It failed a moment ago in a way that no client can cause. */
  readonly isResting: boolean;
  /** Reads sent to it and not answered yet. */
  readonly inFlight: number;
  /** Slow reads that run or wait there: they have a connection of their own. */
  readonly slowReads: number;
  /** Time a read takes lately. */
  readonly latencyMs: number;
}

export interface ReadRequirements {
  /** Absent: any position will do. */
  readonly wanted?: BatchPosition | undefined;
  /** Greatest lag that the reader takes; absent: any. */
  readonly lagMsMax?: number | undefined;
  /** How much longer this reader may wait for a replica to come up. */
  readonly waitLeftMs: number;
  /** A replica beyond it is taken only when nothing better is there. */
  readonly lagLimitMs: number;
  /** Whether the primary may be asked in place of a replica. */
  readonly primaryAllowed: boolean;
  /** Of the query. */
  readonly pace?: 'slow' | undefined;
}

/**
 * Undefined when there is no node; and, for a reader with a position or a greatest lag, when no node will do now and
 * the primary may not be asked. `random` gives numbers from 0 up to, without, 1.
 */
export function chooseNode<N extends ReadableNode>(
  nodes: readonly N[],
  requirements: ReadRequirements,
  random: () => number,
): N | undefined {
  const replicas = nodes.filter((node) => node.role === 'replica');
  const isWell = (node: N) => lagOf(node) <= requirements.lagLimitMs && node.follows && !node.isResting;
  const costOf = requirements.pace === 'slow' ? (node: N) => node.slowReads : expectedMs;
  const betterOf = (some: readonly N[]) => betterOfTwo(some, costOf, random);
  const sparesPrimary = replicas.length > 0 && !requirements.primaryAllowed;
  if (requirements.wanted === undefined && requirements.lagMsMax === undefined) {
    const allowed = sparesPrimary ? replicas : nodes;
    return betterOf(replicas.filter(isWell)) ?? freshest(allowed.filter(isWell)) ?? freshest(allowed);
  }

  const fresh = replicas.filter((node) => fitOf(node, requirements) === 'fits');
  const soon = replicas.filter((node) => fitOf(node, requirements) === 'soon');
  const chosen =
    betterOf(fresh.filter(isWell)) ?? betterOf(fresh) ?? (requirements.waitLeftMs > 0 ? freshest(soon) : undefined);
  if (chosen !== undefined) return chosen;
  const primary = nodes.find((node) => node.role === 'primary');
  if (primary === undefined) return freshest(nodes);
  return sparesPrimary ? undefined : primary;
}

/** `soon`: not now as far as is known, but it may come up while this reader waits. */
function fitOf(
  node: ReadableNode,
  { wanted, lagMsMax = Infinity, waitLeftMs }: ReadRequirements,
): 'fits' | 'soon' | 'no' {
  const coverage = wanted === undefined ? 'covered' : covers(node.position, wanted, node.terms);
  if (coverage === 'lost') return 'no';
  if (coverage === 'behind') return lagOf(node) <= waitLeftMs ? 'soon' : 'no';
  if (lagMsMax === Infinity || lagOf(node) <= lagMsMax) return 'fits';
  return lagOf(node) - lagMsMax <= waitLeftMs ? 'soon' : 'no';
}

/** A lag that is not known is no reader's greatest. */
function lagOf({ lagMs = Infinity }: ReadableNode): number {
  return lagMs;
}

function betterOfTwo<N>(nodes: readonly N[], costOf: (node: N) => number, random: () => number): N | undefined {
  const [only, other] = nodes;
  if (only === undefined || other === undefined) return only;
  const first = Math.floor(random() * nodes.length);
  const second = (first + 1 + Math.floor(random() * (nodes.length - 1))) % nodes.length;
  const [a, b] = [nodes[first] as N, nodes[second] as N];
  return costOf(b) < costOf(a) ? b : a;
}

/** When one more read would be answered. A node that hangs gathers reads and is avoided before any probe says so. */
function expectedMs(node: ReadableNode): number {
  return (node.inFlight + 1) * node.latencyMs;
}

/** The least lag; then the farthest; then a replica, to spare the primary. */
function freshest<N extends ReadableNode>(nodes: readonly N[]): N | undefined {
  return nodes.reduce<N | undefined>(
    (best, node) => (best === undefined || isFresher(node, best) ? node : best),
    undefined,
  );
}

function isFresher(node: ReadableNode, than: ReadableNode): boolean {
  const by =
    // Not a number, so nothing, when neither is known.
    lagOf(than) - lagOf(node) ||
    compareBatchPositions(node.position, than.position) ||
    Number(node.role === 'replica') - Number(than.role === 'replica');
  return by > 0;
}
