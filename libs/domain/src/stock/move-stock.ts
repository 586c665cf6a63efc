import type { MovementKind } from '@eco/contracts';
import { refusedFor, type Decision } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import { availableOf, type Level } from './stock-ledger.js';

/** A refusal that names every product and location that nobody knows; undefined: all are known. */
export function whyUnknown(productId: string, locations: readonly string[], state: WorkingState): Decision | undefined {
  const unknownProducts = state.catalogue.existsOrExisted(productId) ? [] : [productId];
  const unknownLocations = locations.filter((location) => !state.locations.has(location));
  if (unknownProducts.length > 0) return refusedFor('product-unknown', { unknownProducts, unknownLocations });
  if (unknownLocations.length > 0) return refusedFor('location-unknown', { unknownLocations });
  return undefined;
}

/** A refusal when so many units more (or fewer) would leave less than is reserved; undefined: they may move. */
export function whyShort(level: Level, delta: number): Decision | undefined {
  const available = availableOf(level);
  if (delta >= -available) return undefined;
  return refusedFor('stock-short', { short: [{ productId: level.productId, asked: -delta, available }] });
}

/** Moves units on hand, none of them reserved, and gives what the outcome says of it. 0 units is no movement. */
export function moveOnHand(
  level: Level,
  movement: MovementKind,
  delta: number,
  commandId: string,
  state: WorkingState,
): Record<string, unknown> {
  if (delta !== 0) state.stock.move(level, { movement, onHandDelta: delta, reservedDelta: 0 }, commandId);
  const { productId, location, onHand, reserved, sequence } = level;
  return { productId, location, delta, onHand, reserved, available: availableOf(level), sequence };
}
