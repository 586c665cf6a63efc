import type { BatchPosition } from './position.js';

/**
 * A row of `group_term`: a leadership that has decided something, and its first batch. An older row may belong to a
 * leadership without a batch.
 */
export interface GroupTerm {
  readonly term: number;
  readonly tag: string;
  readonly firstSeq: number;
}

/**
 * - `covered`: the node has the batch that the reader saw.
 * - `behind`: not yet, as far as this node knows.
 * - `lost`: never. The batch is not in this node's history, because a failover lost it. From the primary that is final
 *   (`position-lost`); another node may itself be on the lost branch.
 */
export type Coverage = 'covered' | 'behind' | 'lost';

/**
 * Whether a node at `node` has everything up to `wanted`, both of the same group. `node` is its `group_state` and
 * `terms` its `group_term`, both from one snapshot. `terms` may have any order and needs only the terms from
 * `wanted.term` on. Throws a RangeError if `terms` lacks the node's own term, because it is then from another snapshot.
 *
 * | wanted against node | is | | same term, same tag, seq ≤ the node's | covered | | same term, same tag, seq beyond |
 * behind | | same term, other tag | lost | | later term | behind | | earlier term, which is in the history, seq before
 * its end | covered | | earlier term, which is in the history, seq beyond its end | lost | | earlier term, which is not
 * in the history | lost |
 *
 * A leadership ends where the next one in the history begins. Seqs continue across leaderships. So if one wrote up to
 * 1,000 and a failover kept 900, it ends at 901, and batch 950 of the next leadership is a different batch.
 */
export function covers(node: BatchPosition, wanted: BatchPosition, terms: readonly GroupTerm[]): Coverage {
  if (wanted.term > node.term) return 'behind';
  if (wanted.term === node.term) {
    if (wanted.tag !== node.tag) return 'lost';
    return wanted.seq <= node.seq ? 'covered' : 'behind';
  }
  let reachesNode = false;
  let isInHistory = false;
  let end = Infinity;
  for (const { term, tag, firstSeq } of terms) {
    if (term === node.term && tag === node.tag) reachesNode = true;
    if (term === wanted.term && tag === wanted.tag) isInHistory = true;
    if (term > wanted.term && firstSeq < end) end = firstSeq;
  }
  if (!reachesNode) {
    throw new RangeError(`the terms do not reach term ${node.term} of the node, so they are from another snapshot`);
  }
  return isInHistory && wanted.seq < end ? 'covered' : 'lost';
}
