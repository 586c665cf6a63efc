import { CENTRAL, type OrderLine, type PricedLine, type ShortLine } from '@eco/contracts';
import { availableOf, type Level } from '../stock/stock-ledger.js';
import type { WorkingState } from '../working-state.js';

/** What somebody wants, at the prices of now, and everything that stands in its way. */
export interface PricedLines {
  priced: PricedLine[];
  /** Of each priced line, as it was found. */
  levels: Level[];
  totalCents: number;
  short: ShortLine[];
  unknownProducts: string[];
  /** Products that another group decides about; to call them unknown would be a lie. */
  elsewhere: string[];
}

/** Changes nothing. No product may be in two lines: each would find the units of both. */
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

/** Takes all of them, which must have been found not to be short. */
export function reserveLines({ priced, levels }: PricedLines, commandId: string, state: WorkingState): void {
  levels.forEach((level, index) => {
    const reservedDelta = (priced[index] as PricedLine).quantity;
    state.stock.move(level, { movement: 'reserved', onHandDelta: 0, reservedDelta }, commandId);
  });
}
