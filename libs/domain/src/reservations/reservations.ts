import { CENTRAL, type ReservationStatus } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState, Reservation } from '../state.js';
import type { StockLedger } from '../stock/stock-ledger.js';

type WorkingReservation = Effects['reservations'][number];

/** The reservations that change: as loaded, plus those of this batch, with all its changes. */
export class Reservations {
  private readonly working = new Map<string, WorkingReservation>();

  constructor(
    private readonly stored: BatchState['reservations'],
    private readonly buckets: Buckets,
    private readonly effects: Pick<Effects, 'reservations' | 'holds' | 'endedHolds'>,
  ) {}

  /** Undefined: it does not exist, or is another customer's. */
  find(reservationId: string, customerId: string): Readonly<Reservation> | undefined {
    const reservation = this.working.get(reservationId) ?? this.stored.get(reservationId);
    return reservation?.customerId === customerId ? reservation : undefined;
  }

  create(reservation: Reservation): void {
    const { reservationId, customerId, expiresAt } = reservation;
    const row = { ...reservation, bucket: this.buckets.of(customerId) };
    this.working.set(reservationId, row);
    this.effects.reservations.push(row);
    for (const { productId, quantity } of reservation.lines) {
      const bucket = this.buckets.of(productId);
      this.effects.holds.push({ reservationId, productId, bucket, quantity, expiresAt });
    }
  }

  /** Its units stay reserved, for the order. */
  confirm(reservation: Readonly<Reservation>, orderId: string): void {
    this.end(reservation, 'confirmed').orderId = orderId;
  }

  /** Its units are free again. */
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
    this.end(reservation, status);
  }

  private end(reservation: Readonly<Reservation>, status: ReservationStatus): WorkingReservation {
    const { reservationId } = reservation;
    let row = this.working.get(reservationId);
    if (row === undefined) {
      row = { ...reservation, bucket: this.buckets.of(reservation.customerId) };
      this.working.set(reservationId, row);
      this.effects.reservations.push(row);
      this.effects.endedHolds.push(reservationId);
    } else {
      // Created in this batch: none of its holds is stored yet, and none will be.
      this.effects.holds = this.effects.holds.filter((hold) => hold.reservationId !== reservationId);
    }
    row.status = status;
    return row;
  }
}
