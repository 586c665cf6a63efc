import { CENTRAL, quarantineOf, type MovementKind, type StockMoved } from '@eco/contracts';
import { refused, type Refused } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import { availableOf, type Level } from './stock-ledger.js';

/** A refusal that names every unknown product and location; undefined: all are known. */
export function whyUnknown(
  productId: string,
  locations: readonly string[],
  state: WorkingState,
): Refused<'product-unknown' | 'location-unknown'> | undefined {
  const unknownProducts = state.catalogue.existsOrExisted(productId) ? [] : [productId];
  const unknownLocations = locations.filter((location) => !isKnown(location, state));
  if (unknownProducts.length > 0) return refused('product-unknown', { unknownProducts, unknownLocations });
  if (unknownLocations.length > 0) return refused('location-unknown', { unknownLocations });
  return undefined;
}

/** The branch of a quarantine; any other location is itself. */
export function locationOf(place: string): string {
  return place.endsWith(QUARANTINE) ? place.slice(0, -QUARANTINE.length) : place;
}
const QUARANTINE = quarantineOf('');

/** The head office has no quarantine. */
function isKnown(place: string, { locations }: WorkingState): boolean {
  const location = locationOf(place);
  return locations.has(location) && (location === place || location !== CENTRAL);
}

/**
 * A refusal if this change would take units of a branch that runs its own database. Only the branch itself ends its
 * right to them, or a manager's write-off, after which its late sales are still taken from them. More units do no harm:
 * the branch finds them when it counts.
 */
export function whyHeld(
  location: string,
  delta: number,
  { holders }: WorkingState,
): Refused<'held-by-branch'> | undefined {
  return delta < 0 && holders.find(location) !== undefined ? refused('held-by-branch') : undefined;
}

/** A refusal if this change would leave fewer units than are reserved; undefined: they may move. */
export function whyShort(level: Level, delta: number): Refused<'stock-short'> | undefined {
  const available = availableOf(level);
  if (delta >= -available) return undefined;
  return refused('stock-short', { short: [{ productId: level.productId, asked: -delta, available }] });
}

/** Moves unreserved units on hand and returns the outcome's result. 0 units make no movement. */
export function moveOnHand(
  level: Level,
  movement: MovementKind,
  delta: number,
  commandId: string,
  state: WorkingState,
): StockMoved {
  if (delta !== 0) state.stock.move(level, { movement, onHandDelta: delta, reservedDelta: 0 }, commandId);
  const { productId, location, onHand, reserved, sequence } = level;
  return { productId, location, delta, onHand, reserved, available: availableOf(level), sequence };
}
