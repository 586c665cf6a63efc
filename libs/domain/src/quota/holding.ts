import type { HolderState } from './holder.js';

/** A holder's own record of one product. Only the holder changes it, in the transaction that writes the entry about it. */
export interface Holding {
  /** Units that came to the holder and stayed: less what it gave back, what was written off, and what a count corrected. */
  readonly granted: number;
  /** Units that it has sold, less those that came back. */
  readonly spent: number;
}

export interface Changed {
  readonly type: 'changed';
  readonly holding: Holding;
}

/** The holder has fewer units than asked for. Nothing changes. */
export interface Short {
  readonly type: 'short';
  readonly asked: number;
  readonly remaining: number;
}

/** The holder does not know yet what it holds. Nothing changes. */
export interface Waiting {
  readonly type: 'waiting';
}

export const EMPTY_HOLDING: Holding = { granted: 0, spent: 0 };

/** Units that the holder may spend. */
export function remainingOf({ granted, spent }: Holding): number {
  return granted - spent;
}

/**
 * A grant, or units that a person has sent. Undefined: nothing changes, because the holder has stored this id before or
 * does not know yet what it holds. The id is stored in the step that changes the holding; only then are units spendable.
 */
export function accept(holder: HolderState, holding: Holding, quantity: number, isKnown: boolean): Holding | undefined {
  if (isKnown || holder.standing === 'waiting') return undefined;
  return { ...holding, granted: holding.granted + quantity };
}

/** A line of a sale. A product may have several. */
export interface SpentLine {
  readonly productId: string;
  readonly quantity: number;
}

interface ShortLine extends Short {
  readonly productId: string;
}

export type LinesSpent =
  | { readonly type: 'spent'; readonly holdings: ReadonlyMap<string, Holding> }
  | { readonly type: 'short'; readonly lines: readonly ShortLine[] }
  | Waiting;

/** Spends all lines or none. Returns the changed holdings, or every product that is short. */
export function spendLines(
  holder: HolderState,
  holdings: ReadonlyMap<string, Holding>,
  lines: readonly SpentLine[],
): LinesSpent {
  if (holder.standing === 'waiting') return { type: 'waiting' };
  const asked = new Map<string, number>();
  for (const { productId, quantity } of lines) asked.set(productId, (asked.get(productId) ?? 0) + quantity);
  const changes = new Map<string, Holding>();
  const shortLines: ShortLine[] = [];
  for (const [productId, quantity] of asked) {
    const holding = holdings.get(productId) ?? EMPTY_HOLDING;
    if (quantity <= remainingOf(holding)) changes.set(productId, { ...holding, spent: holding.spent + quantity });
    else shortLines.push({ ...short(holding, quantity), productId });
  }
  return shortLines.length > 0 ? { type: 'short', lines: shortLines } : { type: 'spent', holdings: changes };
}

/**
 * Units of a void, or of the return of an own sale. A former incarnation may have sold them. A waiting holder leaves its
 * record as it is: the level that it takes over may contain these units already.
 */
export function restock(holder: HolderState, holding: Holding, quantity: number): Holding {
  if (holder.standing === 'waiting') return holding;
  const { granted, spent } = holding;
  const unspent = Math.min(spent, quantity);
  return { granted: granted + quantity - unspent, spent: spent - unspent };
}

export function giveBack(holder: HolderState, holding: Holding, quantity: number): Changed | Short | Waiting {
  if (holder.standing === 'waiting') return { type: 'waiting' };
  if (quantity > remainingOf(holding)) return short(holding, quantity);
  return changed({ ...holding, granted: holding.granted - quantity });
}

/** Units that the holder gives back when the home recalls `asked` units. 0: none, and it writes no entry. */
export function recallable(holder: HolderState, holding: Holding, asked: number): number {
  return holder.standing === 'waiting' ? 0 : Math.min(remainingOf(holding), asked);
}

/**
 * The home has written off units of the holder. The holder may have spent some of them before it learned of it; those
 * sales are taken from the written-off units.
 */
export function afterWriteOff(holding: Holding, quantity: number): Holding {
  return { ...holding, granted: holding.granted - Math.min(remainingOf(holding), quantity) };
}

/** The holder has counted its units. Its entry states `remainingOf(holding)` as the units that it expected. */
export function count(holder: HolderState, { spent }: Holding, counted: number): Changed | Waiting {
  return holder.standing === 'waiting' ? { type: 'waiting' } : changed({ granted: counted + spent, spent });
}

function changed(holding: Holding): Changed {
  return { type: 'changed', holding };
}

function short(holding: Holding, asked: number): Short {
  return { type: 'short', asked, remaining: remainingOf(holding) };
}
