/**
 * What must hold in a group's data, each as a query for the rows that break it. All read the tables through the same
 * names, which see only buckets that the group owns.
 */
export interface Check {
  rule: 'R2' | 'R3' | 'R4';
  name: string;
  /** What an offence means, as a sentence about one row. */
  says: string;
  sql: string;
}
