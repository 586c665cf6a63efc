import { insert, type Noun } from '../noun.js';

export interface CustomerRow {
  customerId: string;
  bucket: number;
  name: string;
  email: string;
  branchId: string | null;
  registeredAt: string;
}

export const customers = {
  keys: {
    /** Customers whose existence matters. */
    customerIds: 'all',
  },
  state: {
    /** Customers that are registered. */
    customers: () => new Set<string>(),
  },
  rows: { customers: insert<CustomerRow>('customerId') },
} satisfies Noun;
