import type { SalePayment } from '@eco/contracts';

/** Cash rounding: values of the smallest coin, cents. 0: amounts are not rounded. */
export const COINS = [0, 5, 10, 20, 50, 100] as const;
export type Coin = (typeof COINS)[number];

/** What the customer pays with. With both members, the card pays `amountCents` and cash pays the rest. */
export interface Tender {
  readonly cash?: { readonly moneyReceivedCents: number } | undefined;
  /** `amountCents` may be absent if the card pays everything. */
  readonly card?: { readonly amountCents?: number | undefined } | undefined;
}

export type Settlement =
  | { readonly type: 'paid'; readonly payment: SalePayment }
  | { readonly type: 'too-little'; readonly dueCents: number; readonly receivedCents: number }
  /** The card would pay more than the sale costs. */
  | { readonly type: 'card-exceeds-total'; readonly totalCents: number; readonly cardCents: number };

/**
 * Change of an amount so that it can be paid with coins: to the nearest multiple of the smallest coin. Exactly half a
 * coin is rounded in the customer's favour.
 */
export function cashRoundingCents(amountCents: number, coin: Coin): number {
  if (coin === 0) return 0;
  const over = amountCents % coin;
  return over * 2 > coin ? coin - over : over === 0 ? 0 : -over;
}

/** Whether the tender pays the total, and how. Only the part that is paid in cash is rounded. */
export function settle(totalCents: number, tender: Tender, coin: Coin): Settlement {
  const cardCents = tender.card === undefined ? 0 : (tender.card.amountCents ?? totalCents);
  if (cardCents > totalCents) return { type: 'card-exceeds-total', totalCents, cardCents };
  const restCents = totalCents - cardCents;
  const roundingCents = tender.cash === undefined ? 0 : cashRoundingCents(restCents, coin);
  const cashCents = restCents + roundingCents;
  const receivedCents = tender.cash?.moneyReceivedCents ?? 0;
  if (receivedCents < cashCents) return { type: 'too-little', dueCents: cashCents, receivedCents };
  return {
    type: 'paid',
    payment: { cashCents, cardCents, changeCents: receivedCents - cashCents, roundingCents },
  };
}

/** Money to hand out for returned goods, rounded in the customer's favour if it is cash. */
export function refundCentsOf(valueCents: number, refund: 'cash' | 'card', coin: Coin): number {
  if (refund === 'card' || coin === 0) return valueCents;
  const over = valueCents % coin;
  return over === 0 ? valueCents : over * 2 >= coin ? valueCents + coin - over : valueCents - over;
}
