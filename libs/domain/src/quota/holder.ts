import type { Holding } from './holding.js';

/**
 * An entry's place in the log of a holder. A holder numbers its entries without gaps from 1 in each incarnation. A holder
 * whose records may be older than what it has sent begins a new incarnation.
 */
export interface Place {
  readonly incarnation: number;
  readonly sequence: number;
}

/** What a holder knows about itself. It is stored with the holdings, in the same transactions. */
export interface HolderState {
  readonly incarnation: number;
  /** Number of the last entry of this incarnation; 0: none yet. */
  readonly sequence: number;
  /**
   * `waiting`: this incarnation has not taken over the levels that the home has recorded, so it spends, gives back and
   * accepts no units. `ready`: it has.
   */
  readonly standing: 'waiting' | 'ready';
  /** The home has frozen the holder: it gets no more units. What it holds stays its own. */
  readonly isFrozen: boolean;
}

/** A holder that has never reported. */
export const NEW_HOLDER: HolderState = { incarnation: 1, sequence: 0, standing: 'waiting', isFrozen: false };

/**
 * The holder found out that its records are older than what it may have sent. `known`: the highest incarnation that it
 * finds outside of its records, for example in a file next to them or at the home; 0: none.
 */
export function restored(holder: HolderState, known: number): HolderState {
  const incarnation = Math.max(holder.incarnation, known) + 1;
  return { ...holder, incarnation, sequence: 0, standing: 'waiting' };
}

/**
 * The home has a report of this incarnation of the holder. A later one is of another copy of the records, so this copy
 * spends nothing any more: both would spend the same units.
 */
export function whenReported(holder: HolderState, incarnation: number): HolderState {
  return incarnation > holder.incarnation ? { ...holder, standing: 'waiting' } : holder;
}

/** The next entry. The first entry of an incarnation is its report. */
export function nextEntry(holder: HolderState): { readonly holder: HolderState; readonly place: Place } {
  const { incarnation } = holder;
  const sequence = holder.sequence + 1;
  return { holder: { ...holder, sequence }, place: { incarnation, sequence } };
}

export interface TakenOver {
  readonly holder: HolderState;
  readonly holdings: ReadonlyMap<string, Holding>;
}

/**
 * The holder takes over the levels that the home has recorded, and from then on spends. Two conditions make that safe.
 *
 * - The levels contain the effect of this incarnation's report, and so of every entry before it in the lane. `undefined`:
 *   they do not, so nothing changes.
 * - The holder then applies the home's changes from the position of the levels on. Grants that were in transit there are
 *   accepted like new ones; grants that had arrived are in the levels.
 *
 * If the levels were read in pages, the changes are applied from the position of the first page on. A write-off is then
 * applied twice at most, which leaves units idle until a count.
 */
export function takeOver(
  holder: HolderState,
  levels: ReadonlyMap<string, number>,
  containsReport: boolean,
): TakenOver | undefined {
  if (!containsReport) return undefined;
  const holdings = [...levels].map(([productId, level]): [string, Holding] => [
    productId,
    { granted: level, spent: 0 },
  ]);
  return { holder: { ...holder, standing: 'ready' }, holdings: new Map(holdings) };
}
