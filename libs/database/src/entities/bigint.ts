import type { ValueTransformer } from 'typeorm';

/** pg returns a bigint as text; these stay far below 2^53 (at a batch per millisecond, 285,000 years). */
export const bigintAsNumber: ValueTransformer = {
  to: (value: unknown) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};
