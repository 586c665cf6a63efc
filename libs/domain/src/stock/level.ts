import type { MovementKind } from '@eco/contracts';
import { insert, upsert, type Noun } from '../noun.js';

export interface StockLevel {
  productId: string;
  location: string;
  onHand: number;
  reserved: number;
  /** Number of its last movement; 0: none yet. */
  sequence: number;
}

export interface LevelRow extends StockLevel {
  bucket: number;
}

/** One immutable row of the ledger. */
export interface MovementRow {
  productId: string;
  location: string;
  bucket: number;
  sequence: number;
  movement: MovementKind;
  onHandDelta: number;
  reservedDelta: number;
  onHand: number;
  reserved: number;
  commandId: string;
  /** Number within (batch, topic stock), from 1. The movements of a level have consecutive numbers. */
  n: number;
}

export const stock = {
  keys: {
    /** Products whose levels are needed at every location, not only at `central`. */
    stockProductIds: 'all',
  },
  state: {
    /** By `levelKey`. */
    levels: () => new Map<string, StockLevel>(),
  },
  rows: {
    movements: insert<MovementRow>('productId', 'location', 'sequence'),
    /** Final state of each changed level: one row for each, however many commands changed it. */
    levels: upsert<LevelRow>('productId', 'location'),
  },
} satisfies Noun;

export function levelKey(productId: string, location: string): string {
  return `${productId}\n${location}`;
}
