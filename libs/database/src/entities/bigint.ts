import type { ValueTransformer } from 'typeorm';

/** pg gives a bigint as text; ours stay far below 2^53 (a batch a millisecond would take 285,000 years). */
export const bigintAsNumber: ValueTransformer = {
  to: (value: unknown) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};
