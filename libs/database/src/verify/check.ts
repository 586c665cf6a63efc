/**
 * A rule that must hold in a group's data, as a query for the rows that break it. Queries read the tables under names
 * that show only the buckets that the group owns.
 */
export interface Check {
  rule: 'R2' | 'R3' | 'R4';
  name: string;
  /** A sentence that states the error of a row that the query finds. */
  says: string;
  sql: string;
}
