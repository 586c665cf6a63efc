import type { z } from 'zod';
import type { customerSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

export type Customer = z.infer<typeof customerSchema>;

export interface CustomerRow {
  customer_id: string;
  name: string;
  email: string;
  branch_id: string | null;
  registered_at: Date;
}

export function customerOf(row: CustomerRow): Customer {
  return {
    customerId: row.customer_id,
    name: row.name,
    email: row.email,
    branchId: row.branch_id,
    registeredAt: row.registered_at.toISOString(),
  };
}

/** $1 customer id. */
export const customerQuery = query<CustomerRow>({
  name: 'customer',
  rows: `
    SELECT c.customer_id, c.name, c.email, c.branch_id, c.registered_at
    FROM eco.customer c WHERE c.customer_id = $1 AND ${owned('c')}`,
});
