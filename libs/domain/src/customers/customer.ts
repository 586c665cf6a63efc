import { insert, update, type Noun } from '../noun.js';

export interface Customer {
  customerId: string;
  name: string;
  email: string;
  branchId: string | null;
  registeredAt: string;
}

export interface CustomerRow extends Customer {
  bucket: number;
}

export type ChangedCustomer = Pick<Customer, 'customerId' | 'name' | 'email'>;

export const customers = {
  keys: {
    /** Customers that a command registers, changes or erases. */
    customerIds: 'all',
  },
  state: {
    /** Customers that are registered. */
    customers: () => new Map<string, Customer>(),
  },
  rows: {
    customers: insert<CustomerRow>('customerId'),
    changedCustomers: update<ChangedCustomer>('customers', 'customerId'),
  },
} satisfies Noun;
