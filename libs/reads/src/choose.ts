import { compareTermPositions, covers, type GroupTerm, type TermPosition } from '@eco/routing';

/*
 * Which node answers a read: rules over what is known of the nodes, without a clock, a network or a state of their own.
 *
 * A reader without a position takes a replica within the lag limit; when there is none, the freshest node there is.
 * A reader with a position takes a replica that is known to cover it. What is known is as old as the last probe or
 * answer, and a reader that has just written is ahead of it nearly always. So while the reader may wait, a replica that
 * is only a little behind is asked all the same: the answer tells whether it has come up by now. Then the primary.
 *
 * Of several equally good replicas two are drawn and the less loaded, faster one is taken: as good as looking at all of
 * them, and a thousand readers do not all run to the same one (Mitzenmacher, "The power of two choices", 2001).
 */

/** What is known of a node that can answer. */
export interface ReadableNode {
  readonly name: string;
  readonly role: 'primary' | 'replica';
  readonly position: TermPosition;
  /** `group_term` as this node has it; reaches `position.term`. */
  readonly terms: readonly GroupTerm[];
  /** Age of the oldest batch that it has not shown; 0 when it has shown all that is known. */
  readonly lagMs: number;
  /** Reads sent to it and not answered yet. */
  readonly inFlight: number;
  /** Time a read takes lately. */
  readonly latencyMs: number;
}

export interface ReadWish {
  /** Absent: any position will do. */
  readonly wanted?: TermPosition | undefined;
  /** How much longer this reader may wait for a replica to come up. */
  readonly waitLeftMs: number;
  /** A replica beyond it is taken only when nothing better is there. */
  readonly lagLimitMs: number;
}

/** Undefined only when there is no node. `random` gives numbers from 0 up to, without, 1. */
export function chooseNode<N extends ReadableNode>(
  nodes: readonly N[],
  wish: ReadWish,
  random: () => number,
): N | undefined {
  const replicas = nodes.filter((node) => node.role === 'replica');
  const inLimit = (node: N) => node.lagMs <= wish.lagLimitMs;
  const { wanted } = wish;
  if (wanted === undefined) return betterOfTwo(replicas.filter(inLimit), random) ?? freshest(nodes);

  const fresh = replicas.filter((node) => covers(node.position, wanted, node.terms) === 'covered');
  const soon = replicas.filter(
    (node) => node.lagMs <= wish.waitLeftMs && covers(node.position, wanted, node.terms) === 'behind',
  );
  return (
    betterOfTwo(fresh.filter(inLimit), random) ??
    betterOfTwo(fresh, random) ??
    (wish.waitLeftMs > 0 ? freshest(soon) : undefined) ??
    nodes.find((node) => node.role === 'primary') ??
    freshest(nodes)
  );
}

function betterOfTwo<N extends ReadableNode>(nodes: readonly N[], random: () => number): N | undefined {
  const [only, other] = nodes;
  if (only === undefined || other === undefined) return only;
  const first = Math.floor(random() * nodes.length);
  const second = (first + 1 + Math.floor(random() * (nodes.length - 1))) % nodes.length;
  const [a, b] = [nodes[first] as N, nodes[second] as N];
  return expectedMs(b) < expectedMs(a) ? b : a;
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
    than.lagMs - node.lagMs ||
    compareTermPositions(node.position, than.position) ||
    Number(node.role === 'replica') - Number(than.role === 'replica');
  return by > 0;
}
