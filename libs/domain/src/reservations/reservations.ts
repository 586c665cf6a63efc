import { CENTRAL, type OrderLine, type ReservationStatus } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { StockLedger } from '../stock/stock-ledger.js';
import { unitSecondsOf, type OpenReservations, type Reservation, type ReservationRow } from './reservation.js';

/** The reservations that change: as loaded, plus those of this batch, with all its changes. */
export class Reservations {
  readonly #working = new Map<string, ReservationRow>();
  readonly #created: ReservationRow[] = [];
  readonly #stored: Pick<BatchState, 'reservations' | 'openReservations' | 'at'>;
  /** Open reservations by customer, with the changes of this batch. */
  readonly #open: Map<string, OpenReservations>;
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'reservations' | 'holds' | 'endedHolds'>;

  constructor(
    stored: Pick<BatchState, 'reservations' | 'openReservations' | 'at'>,
    buckets: Buckets,
    effects: Pick<Effects, 'reservations' | 'holds' | 'endedHolds'>,
  ) {
    this.#stored = stored;
    this.#open = new Map(stored.openReservations);
    this.#buckets = buckets;
    this.#effects = effects;
  }

  /** The reservation. Undefined: it does not exist, or belongs to another customer. */
  find(reservationId: string, customerId: string): Readonly<Reservation> | undefined {
    const reservation = this.#working.get(reservationId) ?? this.#stored.reservations.get(reservationId);
    return reservation?.customerId === customerId ? reservation : undefined;
  }

  /**
   * Owner of the reservation: the branch that made it, or `central`. Undefined: the reservation does not exist, or
   * belongs to another customer.
   */
  ownerOf(reservationId: string, customerId: string): string | undefined {
    const reservation = this.find(reservationId, customerId);
    return reservation && (reservation.branchId ?? CENTRAL);
  }

  /**
   * This customer's reservations that hold units. They are known only for customers who reserve in this batch.
   */
  openOf(customerId: string): OpenReservations {
    return this.#open.get(customerId) ?? { count: 0, unitSeconds: 0 };
  }

  create(reservation: Reservation): void {
    this.#created.push(this.#workingCopy(reservation));
    this.#countOpen(reservation, 1);
  }

  /** Confirms the reservation. Its units stay reserved, now for the order. */
  confirm(reservation: Readonly<Reservation>, orderId: string): void {
    this.#end(reservation, 'confirmed').orderId = orderId;
  }

  /** Ends the reservation and frees its units. */
  release(
    reservation: Readonly<Reservation>,
    status: 'released' | 'expired',
    commandId: string,
    stock: StockLedger,
  ): void {
    for (const { productId, quantity } of reservation.lines) {
      const level = stock.level(productId, CENTRAL);
      stock.move(level, { movement: 'released', onHandDelta: 0, reservedDelta: -quantity }, commandId);
    }
    this.#end(reservation, status);
  }

  /**
   * Adds the holds of this batch's reservations. Call it when everything is decided: a reservation that has ended by
   * then holds nothing.
   */
  addHolds(): void {
    for (const { reservationId, status, expiresAt, lines } of this.#created) {
      if (status !== 'held') continue;
      for (const { productId, quantity } of lines) {
        this.#effects.holds.push({
          reservationId,
          productId,
          bucket: this.#buckets.of(productId),
          quantity,
          expiresAt,
        });
      }
    }
  }

  #end(reservation: Readonly<Reservation>, status: ReservationStatus): ReservationRow {
    const { reservationId } = reservation;
    let row = this.#working.get(reservationId);
    if (row === undefined) {
      row = this.#workingCopy(reservation);
      this.#effects.endedHolds.push({ reservationId });
    }
    // A reservation that was due when the batch began is not among the open ones.
    if (reservation.expiresAt > this.#stored.at) this.#countOpen(reservation, -1);
    row.status = status;
    return row;
  }

  #countOpen({ customerId, lines, createdAt, expiresAt }: Readonly<Reservation>, change: 1 | -1): void {
    const { count, unitSeconds } = this.openOf(customerId);
    const seconds = (Date.parse(expiresAt) - Date.parse(createdAt)) / 1000;
    const own = unitSecondsOf(unitsOf(lines), seconds);
    this.#open.set(customerId, { count: count + change, unitSeconds: unitSeconds + change * own });
  }

  #workingCopy(reservation: Readonly<Reservation>): ReservationRow {
    const row = { ...reservation, bucket: this.#buckets.of(reservation.customerId) };
    this.#working.set(reservation.reservationId, row);
    this.#effects.reservations.push(row);
    return row;
  }
}

export function unitsOf(lines: readonly OrderLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}
