import { FIGURES } from '../statistics-figures.js';
import type { Check } from './check.js';

/*
 * Compares statistics with the ledger, as far as their progress goes. Only the group that keeps the statistics is
 * compared. They also count other groups' orders, which one snapshot can't show.
 */

const compare = (table: string, keys: readonly string[], figures: readonly string[]) => `
SELECT ${keys.map((key) => `coalesce(t.${key}, l.${key})::text AS ${key}`).join(', ')},
  to_jsonb(t) - 'group_id' AS counted, to_jsonb(l) - 'group_id' AS ledger
FROM (SELECT t.* FROM statistics.${table} t, eco.group_state s WHERE t.group_id = s.group_id) t
FULL JOIN statistics.${table}_of_ledger l ON ${keys.map((key) => `l.${key} = t.${key}`).join(' AND ')}
WHERE ${figures.map((figure) => `t.${figure} IS DISTINCT FROM l.${figure}`).join(' OR ')}`;

export const statisticsChecks: readonly Check[] = [
  {
    rule: 'R2',
    name: 'branch-days-are-ledger',
    says: 'What statistics count for a day and branch is not what its orders and registrations say.',
    sql: compare('branch_day', ['day', 'branch_id'], ['registrations', ...FIGURES]),
  },
  {
    rule: 'R2',
    name: 'product-days-are-ledger',
    says: 'What statistics count for a day, branch and product is not what its orders say.',
    sql: compare('product_day', ['day', 'branch_id', 'product_id'], FIGURES),
  },
];
