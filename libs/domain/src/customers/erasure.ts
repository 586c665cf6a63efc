import { insert, remove, type Noun } from '../noun.js';
import type { CustomerRow } from './customer.js';

/** Notes that a customer was erased. It contains nothing about the person except the id. */
export interface ErasureRow {
  customerId: string;
  bucket: number;
  /** The command that erased the customer. */
  commandId: string;
  /** Id of the account for which the command was sent. Null: the sender stated none. */
  by: string | null;
}

/** Its rows are stored last, so that the copies of what the same batch stored are emptied too. */
export const erasures = {
  keys: {},
  state: {
    /** Customers that were erased. Loaded with `customerIds`. */
    erasedCustomers: () => new Set<string>(),
  },
  rows: {
    erasures: insert<ErasureRow>('customerId'),
    /** Customers whose row is deleted and whose copies are emptied. */
    removedCustomers: remove<Pick<CustomerRow, 'customerId'>>('customers', 'customerId'),
  },
} satisfies Noun;
