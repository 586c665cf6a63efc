import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import { levelKey, type LevelRow, type MovementRow } from './level.js';

export type Movement = Pick<MovementRow, 'movement' | 'onHandDelta' | 'reservedDelta'>;

export type Level = Readonly<LevelRow>;

/**
 * The stock levels while a batch is decided: as loaded, plus all movements so far. Only a movement changes a level, and
 * the movements of a level are numbered without gaps. So the ledger alone reproduces every level.
 */
export class StockLedger {
  /** Levels by location, then by product, because nearly all levels are at one location. */
  readonly #working = new Map<string, Map<string, LevelRow>>();
  /** The movements of each level that has changed in this batch. */
  readonly #movements = new Map<LevelRow, MovementRow[]>();
  readonly #stored: BatchState['levels'];
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'levels' | 'movements'>;

  constructor(stored: BatchState['levels'], buckets: Buckets, effects: Pick<Effects, 'levels' | 'movements'>) {
    this.#stored = stored;
    this.#buckets = buckets;
    this.#effects = effects;
  }

  /** The current level; it changes with later movements. Without earlier stock it is 0. */
  level(productId: string, location: string): Level {
    let here = this.#working.get(location);
    if (here === undefined) {
      here = new Map();
      this.#working.set(location, here);
    }
    let level = here.get(productId);
    if (level === undefined) {
      level = this.#workingCopy(productId, location);
      here.set(productId, level);
    }
    return level;
  }

  /** Throws if units would be oversold: the caller checks first. */
  move(level: Level, { movement, onHandDelta, reservedDelta }: Movement, commandId: string): void {
    const { productId, location, bucket } = level;
    const onHand = level.onHand + onHandDelta;
    const reserved = level.reserved + reservedDelta;
    if (reserved < 0 || reserved > onHand) {
      throw new Error(
        `${movement} of ${productId} at ${location} would leave ${reserved} reserved of ${onHand} on hand`,
      );
    }
    const working = level as LevelRow;
    working.onHand = onHand;
    working.reserved = reserved;
    working.sequence += 1;
    let movements = this.#movements.get(working);
    if (movements === undefined) {
      this.#movements.set(working, (movements = []));
      this.#effects.levels.push(working);
    }
    const { sequence } = working;
    const place = { productId, location, bucket, sequence, n: 0 };
    movements.push({ ...place, movement, onHandDelta, reservedDelta, onHand, reserved, commandId });
  }

  /** Adds the movements to the effects, level by level, so that those of a level have numbers without gaps. */
  addMovements(): void {
    const { movements } = this.#effects;
    for (const own of this.#movements.values()) {
      for (const movement of own) {
        movements.push(movement);
        movement.n = movements.length;
      }
    }
  }

  #workingCopy(productId: string, location: string): LevelRow {
    const stored = this.#stored.get(levelKey(productId, location));
    return {
      productId,
      location,
      onHand: stored?.onHand ?? 0,
      reserved: stored?.reserved ?? 0,
      sequence: stored?.sequence ?? 0,
      bucket: this.#buckets.of(productId),
    };
  }
}

/** Units that are not reserved. */
export function availableOf({ onHand, reserved }: Level): number {
  return onHand - reserved;
}
