import { upsert, type Noun } from '../noun.js';

export interface Transfer {
  transferId: string;
  productId: string;
  from: string;
  to: string;
  quantity: number;
  status: 'in-transit' | 'arrived' | 'written-off';
  /** ISO 8601. */
  sentAt: string;
  arrivedAt: string | null;
  writtenOffAt: string | null;
  /** The reason why the transfer was written off. */
  reason: string | null;
}

export interface TransferRow extends Transfer {
  bucket: number;
}

export const transfers = {
  keys: { transferIds: 'all' },
  state: { transfers: () => new Map<string, Transfer>() },
  rows: {
    /** New or changed, one row per transfer. */
    transfers: upsert<TransferRow>('transferId'),
  },
} satisfies Noun;
