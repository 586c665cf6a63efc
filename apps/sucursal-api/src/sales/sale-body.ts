import type { z } from 'zod';
import type { Sale } from '@eco/branch';
import type { saleSchema } from '@eco/contracts';
import { lineTotalCents, taxCentsOf, taxesOf } from '@eco/till';

/** A sale as the API shows it. */
export function saleBody({ soldBy: _, ...sale }: Sale): z.infer<typeof saleSchema> {
  const taxes = taxesOf(sale.lines);
  return {
    ...sale,
    lines: sale.lines.map((line) => ({ ...line, totalCents: lineTotalCents(line) })),
    taxes: [...taxes],
    taxCents: taxCentsOf(taxes),
    changeCents: sale.payment.changeCents,
  };
}
