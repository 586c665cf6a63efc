/**
 * A rule that must hold in a group's data, as a query for the rows that break it. Queries read the tables under names
 * that show only buckets which the group owns.
 */
export interface Check {
  rule: 'R2' | 'R3' | 'R4';
  name: string;
  /** What is wrong with a row that the query finds, as a sentence. */
  says: string;
  sql: string;
}
