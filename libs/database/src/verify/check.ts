/**
 * What must hold in a group's data, each rule as a query for the rows that break it. All queries read the tables
 * through the same names, which show only buckets that the group owns.
 */
export interface Check {
  rule: 'R2' | 'R3' | 'R4';
  name: string;
  /** Meaning of an offence, as a sentence about one row. */
  says: string;
  sql: string;
}
