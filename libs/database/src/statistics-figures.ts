/** The head office as a branch id in statistics tables: a key can't hold a null. */
export const CENTRAL_AS_STORED = '';

/** Counted columns of `statistics.branch_day` and `statistics.product_day`. */
export const FIGURES = [
  'orders',
  'units',
  'revenue_cents',
  'cancelled_orders',
  'cancelled_units',
  'cancelled_cents',
  'returned_orders',
  'returned_units',
  'returned_cents',
] as const;
export type Figures = Record<(typeof FIGURES)[number], number>;
