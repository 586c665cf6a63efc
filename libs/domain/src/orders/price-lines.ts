import { CENTRAL, type OrderLine, type PricedLine, type ShortLine } from '@eco/contracts';
import { availableOf, type Level } from '../stock/stock-ledger.js';
import type { WorkingState } from '../working-state.js';

/** Requested lines at current prices, and every reason why they can't be ordered. */
export interface PricedLines {
  priced: PricedLine[];
  /** The level of each priced line before anything is reserved. */
  levels: Level[];
  totalCents: number;
  short: ShortLine[];
  unknownProducts: string[];
  /** Products of other groups. They are not unknown products. */
  elsewhere: string[];
}

/**
 * Prices lines without changing anything. A product may be in one line only, because two lines would count on the same
 * units.
 */
export function priceLines(lines: readonly OrderLine[], state: WorkingState): PricedLines {
  const found: PricedLines = { priced: [], levels: [], totalCents: 0, short: [], unknownProducts: [], elsewhere: [] };
  for (const { productId, quantity } of lines) {
    if (!state.buckets.isOwned(state.buckets.of(productId))) {
      found.elsewhere.push(productId);
      continue;
    }
    const product = state.catalogue.find(productId);
    if (product === undefined) {
      found.unknownProducts.push(productId);
      continue;
    }
    const level = state.stock.level(productId, CENTRAL);
    const available = availableOf(level);
    if (quantity > available) found.short.push({ productId, asked: quantity, available });
    found.levels.push(level);
    found.priced.push({ productId, name: product.name, quantity, unitPriceCents: product.priceCents });
    found.totalCents += quantity * product.priceCents;
  }
  return found;
}

/** Reserves all lines; none of them may be short. */
export function reserveLines({ priced, levels }: PricedLines, commandId: string, state: WorkingState): void {
  levels.forEach((level, index) => {
    const reservedDelta = (priced[index] as PricedLine).quantity;
    state.stock.move(level, { movement: 'reserved', onHandDelta: 0, reservedDelta }, commandId);
  });
}
