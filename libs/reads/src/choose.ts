import { compareBatchPositions, covers, type GroupTerm, type BatchPosition } from '@eco/routing';

/*
 * Chooses the node that answers a read, by rules over what is known about the nodes. It has no clock, network or state
 * of its own.
 *
 * A reader without requirements gets a healthy replica: one that follows within the lag limit and has not just failed
 * in a way that no client can cause. If there is none, it gets the primary, or else the freshest node.
 *
 * A reader with a position or a greatest lag gets a replica that is known to fulfil it. That knowledge is as old as the
 * last probe or answer, and a reader that has just written is nearly always ahead of it. So while the reader may wait,
 * a replica that is only a little behind is asked anyway, and the answer shows whether it has caught up. After the wait
 * the reader gets the primary.
 *
 * If every replica is late at once, all readers would go to the primary, which has to write. So it is used only within
 * its budget. Beyond the budget a reader without requirements gets the freshest replica, and a reader with requirements
 * keeps waiting. Without any replica there is no budget.
 *
 * Of several equally good replicas two are drawn at random, and the less loaded, faster one is used. That is as good as
 * comparing all of them, and a thousand readers do not all choose the same one (Mitzenmacher, "The power of two
 * choices", 2001).
 */

/** Known properties of a node that can be read. */
export interface ReadableNode {
  readonly name: string;
  readonly role: 'primary' | 'replica';
  readonly position: BatchPosition;
  /** This node's `group_term`; it includes `position.term`. */
  readonly terms: readonly GroupTerm[];
  /** Age of the oldest batch that is not visible on it; undefined: unknown. */
  readonly lagMs: number | undefined;
  /** False: the node is a replica that receives no log. Its data grows old, whatever its lag says. */
  readonly follows: boolean;
  /** True: the node failed a moment ago in a way that no client can cause. */
  readonly isResting: boolean;
  /** Unanswered reads. */
  readonly inFlight: number;
  /** Slow reads that run or wait there; they have a separate connection. */
  readonly slowReads: number;
  /** Recent duration of a read. */
  readonly latencyMs: number;
}

export interface ReadRequirements {
  /** Position that the answer must cover; absent: any position is enough. */
  readonly wanted?: BatchPosition | undefined;
  /** Greatest lag that the reader accepts; absent: any. */
  readonly lagMsMax?: number | undefined;
  /** Time for which this reader may still wait for a replica, ms. */
  readonly waitLeftMs: number;
  /** Lag beyond which a replica is used only if there is nothing better. */
  readonly lagLimitMs: number;
  /** Whether the primary may be used instead of a replica. */
  readonly primaryAllowed: boolean;
  /** The query's pace. */
  readonly pace?: 'slow' | undefined;
}

/**
 * The node to read from. Undefined if there is no node. Also undefined if a reader with a position or a greatest lag
 * finds no fitting node now and the primary may not be used. `random` returns numbers from 0 up to, but not including,
 * 1.
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

/** `soon`: as far as known the node does not fit, but it may catch up while this reader waits. */
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

/** Lag of a node. An unknown lag fulfils no greatest lag. */
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

/**
 * Expected time until one more read is answered. A stalled node gathers reads, so it is avoided before any probe
 * notices.
 */
function expectedMs(node: ReadableNode): number {
  return (node.inFlight + 1) * node.latencyMs;
}

/** The least lag; then the farthest position; then a replica, to spare the primary. */
function freshest<N extends ReadableNode>(nodes: readonly N[]): N | undefined {
  return nodes.reduce<N | undefined>(
    (best, node) => (best === undefined || isFresher(node, best) ? node : best),
    undefined,
  );
}

function isFresher(node: ReadableNode, than: ReadableNode): boolean {
  const by =
    // If neither lag is known, this is NaN and the next comparison decides.
    lagOf(than) - lagOf(node) ||
    compareBatchPositions(node.position, than.position) ||
    Number(node.role === 'replica') - Number(than.role === 'replica');
  return by > 0;
}
