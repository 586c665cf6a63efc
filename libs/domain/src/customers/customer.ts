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
    /** Customers of whom a command needs to know whether they are registered. */
    customerIds: 'all',
  },
  state: {
    /** Customers that are registered. */
    customers: () => new Set<string>(),
  },
  rows: { customers: insert<CustomerRow>('customerId') },
} satisfies Noun;
