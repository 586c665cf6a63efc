import type { SaleLine } from '@eco/contracts';

/** Part of a line that determines its amount. */
export type PricedUnits = Pick<SaleLine, 'quantity' | 'unitPriceCents'>;

export function lineTotalCents({ quantity, unitPriceCents }: PricedUnits): number {
  return quantity * unitPriceCents;
}

/** Value of the lines, tax included and before cash rounding. */
export function totalCentsOf(lines: readonly PricedUnits[]): number {
  return lines.reduce((sum, line) => sum + lineTotalCents(line), 0);
}
