import { query } from '@eco/reads';
import type { CustomerRow } from './customer.query.js';
import { owned } from '../owned.js';

/** $1 the customer to begin after, $2 limit. */
export const customersQuery = query<CustomerRow>({
  name: 'customers',
  rows: `
    SELECT c.customer_id, c.name, c.email, c.branch_id, c.registered_at
    FROM eco.customer c WHERE c.customer_id > $1 AND ${owned('c')}
    ORDER BY c.customer_id LIMIT $2`,
  order: 'r.customer_id',
});
