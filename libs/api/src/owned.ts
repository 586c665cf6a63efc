/**
 * Condition on a row with a bucket: the group owns the bucket in this snapshot. While a bucket moves, its rows are in
 * two groups, and only the owner's count.
 */
export const owned = (alias: string): string =>
  `EXISTS (SELECT FROM eco.bucket_ownership b WHERE b.bucket = ${alias}.bucket AND b.state = 'owned')`;
