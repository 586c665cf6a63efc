import type { OrderLine, OrderStatus, PricedLine, ShortLine } from '@eco/contracts';
import { insert, update, type Noun } from '../noun.js';

/** Current state of an order. */
export interface Order {
  orderId: string;
  customerId: string;
  branchId: string | null;
  status: OrderStatus;
  lines: OrderLine[];
  totalCents: number;
  /** Units returned so far. */
  returned: OrderLine[];
}

export interface OrderRow {
  orderId: string;
  customerId: string;
  bucket: number;
  branchId: string | null;
  status: 'confirmed' | 'rejected';
  lines: (PricedLine | OrderLine)[];
  totalCents: number;
  short: ShortLine[];
  unknownProducts: string[];
  placedAt: string;
}

/** Changes of an order after its confirmation. */
export interface OrderUpdateRow {
  orderId: string;
  status: OrderStatus;
  /**
   * The reservation whose units a new order took over. Null: the order reserved its units itself, or the row already
   * holds the reservation.
   */
  reservationId: string | null;
  /** Time of cancellation or fulfilment. */
  endedAt: string | null;
  returned: OrderLine[];
}

export const orders = {
  keys: {
    /** Orders that may change, with the levels that they hold. */
    orderIds: 'what-fits',
  },
  state: { orders: () => new Map<string, Order>() },
  rows: {
    orders: insert<OrderRow>('orderId'),
    /** One row for each order, whether this batch placed it or an earlier one. */
    orderUpdates: update<OrderUpdateRow>('orders', 'orderId'),
  },
} satisfies Noun;
