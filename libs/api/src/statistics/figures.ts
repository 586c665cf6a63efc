import type { z } from 'zod';
import type { salesFiguresSchema } from '@eco/contracts';
import { FIGURES, type Figures } from '@eco/database';

/** Columns of a `SELECT … GROUP BY` over `statistics.branch_day s` or `statistics.product_day s`. */
export const SUMS_OF_FIGURES = FIGURES.map((figure) => `sum(s.${figure})::float8 AS ${figure}`).join(', ');

/** Condition on a row of either table: it counts more than registrations. */
export const HAS_FIGURES = '(s.orders > 0 OR s.cancelled_orders > 0 OR s.returned_units > 0)';

/** Figures as the API returns them. Net is what remains after cancelled orders and returns. */
export function figuresOf(row: Figures): z.infer<typeof salesFiguresSchema> {
  const { orders, units, revenue_cents: revenueCents } = row;
  const cancelled = { orders: row.cancelled_orders, units: row.cancelled_units, revenueCents: row.cancelled_cents };
  const returned = { orders: row.returned_orders, units: row.returned_units, revenueCents: row.returned_cents };
  return {
    sales: orders - cancelled.orders - returned.orders,
    units: units - cancelled.units - returned.units,
    revenueCents: revenueCents - cancelled.revenueCents - returned.revenueCents,
    gross: { orders, units, revenueCents },
    cancelled,
    returned,
  };
}
