import { HOLD_SECONDS_COUNTED_MIN, type PricedLine, type ReservationStatus } from '@eco/contracts';
import { insert, remove, upsert, type Noun } from '../noun.js';

export interface Reservation {
  reservationId: string;
  customerId: string;
  branchId: string | null;
  status: ReservationStatus;
  lines: PricedLine[];
  totalCents: number;
  /** ISO 8601. */
  createdAt: string;
  /** The reservation is due from this instant on, and holds its units until a batch sees that. ISO 8601. */
  expiresAt: string;
  /** The order that the reservation became. */
  orderId: string | null;
}

/** The reservations of one customer that hold units, added up. */
export interface OpenReservations {
  readonly count: number;
  readonly unitSeconds: number;
}

/** Units × seconds of a hold. A short hold counts as one of the least counted length. */
export function unitSecondsOf(units: number, seconds: number): number {
  return units * Math.max(seconds, HOLD_SECONDS_COUNTED_MIN);
}

export interface ReservationRow extends Reservation {
  bucket: number;
}

/** One line of a held reservation; a batch finds due reservations by its product. */
export interface HoldRow {
  reservationId: string;
  productId: string;
  /** The product's bucket. */
  bucket: number;
  quantity: number;
  expiresAt: string;
}

export const reservations = {
  keys: {
    /** Reservations that may change, with the levels that they hold. Due ones are loaded anyway. */
    reservationIds: 'what-fits',
    /** Customers who reserve. */
    reservingCustomerIds: 'all',
  },
  state: {
    /** Reservations that commands name, and those that are due. */
    reservations: () => new Map<string, Reservation>(),
    /** Reservations that hold units and are not due, by customer. Absent: none. */
    openReservations: () => new Map<string, OpenReservations>(),
  },
  rows: {
    /** New or changed, one row per reservation. */
    reservations: upsert<ReservationRow>('reservationId'),
    holds: insert<HoldRow>('reservationId', 'productId'),
    /** Reservations whose stored holds end. */
    endedHolds: remove<Pick<HoldRow, 'reservationId'>>('holds', 'reservationId'),
  },
} satisfies Noun;
