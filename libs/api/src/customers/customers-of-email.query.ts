import { query } from '@eco/reads';
import type { CustomerRow } from './customer.query.js';
import { owned } from '../owned.js';

/** $1 the customer to begin after, $2 limit, $3 e-mail address. Uses the index customer_email. */
export const customersOfEmailQuery = query<CustomerRow>({
  name: 'customers-of-email',
  rows: `
    SELECT c.customer_id, c.name, c.email, c.branch_id, c.registered_at
    FROM eco.customer c WHERE lower(c.email) = lower($3) AND c.customer_id > $1 AND ${owned('c')}
    ORDER BY c.customer_id LIMIT $2`,
  order: 'r.customer_id',
});
