/** The middle value, or the mean of the two middle values. Undefined: there is none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The ratio to `base`. Undefined if either is unknown, or the base is 0. */
export function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined || base === 0 ? undefined : value / base;
}

/** The median of each member over objects with the same members; a member that some lack counts where it exists. */
export function medians<K extends string>(records: readonly Partial<Record<K, number>>[]): Partial<Record<K, number>> {
  const keys = [...new Set(records.flatMap((record) => Object.keys(record) as K[]))];
  return Object.fromEntries(
    keys.map((key) => [key, median(records.flatMap((record) => record[key] ?? []))]),
  ) as Partial<Record<K, number>>;
}
