import type { SalePayment } from '@eco/contracts';

/**
 * Figures of a shift, kept while the shift runs. An X report shows them while the shift is open, a Z report after its
 * close. A voided sale counts in `voids` and not in `sales`.
 */
export interface ShiftFigures {
  /** Money in the drawer when the shift was opened. */
  readonly openingCents: number;
  readonly sales: number;
  readonly voids: number;
  readonly returns: number;
  /** Value of the sales without the voided ones, before rounding and returns. */
  readonly totalCents: number;
  readonly voidedCents: number;
  readonly cashCents: number;
  readonly cardCents: number;
  readonly roundingCents: number;
  readonly cashRefundCents: number;
  readonly cardRefundCents: number;
  /** Sales that were recorded after the close. The other figures don't contain them. */
  readonly lateSales: number;
  readonly lateCents: number;
  readonly lateCashCents: number;
}

export interface CountedSale {
  readonly totalCents: number;
  readonly payment: SalePayment;
}

export function openedShift(openingCents: number): ShiftFigures {
  return {
    openingCents,
    sales: 0,
    voids: 0,
    returns: 0,
    totalCents: 0,
    voidedCents: 0,
    cashCents: 0,
    cardCents: 0,
    roundingCents: 0,
    cashRefundCents: 0,
    cardRefundCents: 0,
    lateSales: 0,
    lateCents: 0,
    lateCashCents: 0,
  };
}

export function withSale(figures: ShiftFigures, { totalCents, payment }: CountedSale): ShiftFigures {
  return {
    ...figures,
    sales: figures.sales + 1,
    totalCents: figures.totalCents + totalCents,
    cashCents: figures.cashCents + payment.cashCents,
    cardCents: figures.cardCents + payment.cardCents,
    roundingCents: figures.roundingCents + payment.roundingCents,
  };
}

/** A sale of a closed shift: the shift's money was counted without it. */
export function withLateSale(figures: ShiftFigures, { totalCents, payment }: CountedSale): ShiftFigures {
  return {
    ...figures,
    lateSales: figures.lateSales + 1,
    lateCents: figures.lateCents + totalCents,
    lateCashCents: figures.lateCashCents + payment.cashCents,
  };
}

/** `sale`: a sale of this shift that was counted before. */
export function withVoid(figures: ShiftFigures, { totalCents, payment }: CountedSale): ShiftFigures {
  return {
    ...figures,
    sales: figures.sales - 1,
    voids: figures.voids + 1,
    totalCents: figures.totalCents - totalCents,
    voidedCents: figures.voidedCents + totalCents,
    cashCents: figures.cashCents - payment.cashCents,
    cardCents: figures.cardCents - payment.cardCents,
    roundingCents: figures.roundingCents - payment.roundingCents,
  };
}

export function withReturn(
  figures: ShiftFigures,
  { refundCents, refund }: { readonly refundCents: number; readonly refund: 'cash' | 'card' },
): ShiftFigures {
  return {
    ...figures,
    returns: figures.returns + 1,
    cashRefundCents: figures.cashRefundCents + (refund === 'cash' ? refundCents : 0),
    cardRefundCents: figures.cardRefundCents + (refund === 'card' ? refundCents : 0),
  };
}

/** Cash that should be in the drawer. */
export function expectedCents({ openingCents, cashCents, cashRefundCents }: ShiftFigures): number {
  return openingCents + cashCents - cashRefundCents;
}
