import type { SaleLine } from '@eco/contracts';
import { lineTotalCents } from './lines.js';

/** Amounts of all lines with one tax rate: `netCents` + `taxCents` = `totalCents`. */
export interface TaxAmount {
  readonly taxBasisPoints: number;
  readonly totalCents: number;
  readonly netCents: number;
  readonly taxCents: number;
}

/** 100 %, in hundredths of a per cent. */
const WHOLE = 10_000;

/**
 * Tax that an amount includes, to the nearest cent; half a cent is rounded up. It is computed in whole numbers, because
 * a binary fraction can't represent most rates.
 */
export function includedTaxCents(totalCents: number, taxBasisPoints: number): number {
  const divisor = BigInt(WHOLE + taxBasisPoints);
  const tax = BigInt(totalCents) * BigInt(taxBasisPoints);
  return Number((2n * tax + divisor) / (2n * divisor));
}

/**
 * Tax by rate, the lowest rate first. The tax is rounded once for each rate, not for each line, so a receipt is at most
 * half a cent off for each rate.
 */
export function taxesOf(
  lines: readonly Pick<SaleLine, 'quantity' | 'unitPriceCents' | 'taxBasisPoints'>[],
): readonly TaxAmount[] {
  const totals = new Map<number, number>();
  for (const line of lines) {
    totals.set(line.taxBasisPoints, (totals.get(line.taxBasisPoints) ?? 0) + lineTotalCents(line));
  }
  return [...totals]
    .sort(([a], [b]) => a - b)
    .map(([taxBasisPoints, totalCents]) => {
      const taxCents = includedTaxCents(totalCents, taxBasisPoints);
      return { taxBasisPoints, totalCents, netCents: totalCents - taxCents, taxCents };
    });
}

export function taxCentsOf(taxes: readonly TaxAmount[]): number {
  return taxes.reduce((sum, { taxCents }) => sum + taxCents, 0);
}
