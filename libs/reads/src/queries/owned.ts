/**
 * Condition on a row with a bucket: the group owns the bucket in this snapshot. While one moves its rows are on two
 * groups, and only the owner's count.
 */
export const owned = (alias: string): string =>
  `EXISTS (SELECT FROM eco.bucket_ownership b WHERE b.bucket = ${alias}.bucket AND b.state = 'owned')`;
