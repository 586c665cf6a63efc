import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { CustomerRow } from './customer.js';
import type { ErasureRow } from './erasure.js';

type Stored = Pick<BatchState, 'customers' | 'erasedCustomers'>;
type CustomerEffects = Pick<Effects, 'customers' | 'erasures' | 'removedCustomers'>;

/** The registered customers and the erased ones while a batch is decided: as loaded, plus those of the batch. */
export class Customers {
  readonly #registered = new Set<string>();
  readonly #erased = new Set<string>();
  readonly #stored: Stored;
  readonly #effects: CustomerEffects;

  constructor(stored: Stored, effects: CustomerEffects) {
    this.#stored = stored;
    this.#effects = effects;
  }

  has(customerId: string): boolean {
    return this.#stored.customers.has(customerId) || this.#registered.has(customerId);
  }

  isErased(customerId: string): boolean {
    return this.#stored.erasedCustomers.has(customerId) || this.#erased.has(customerId);
  }

  register(customer: CustomerRow): void {
    this.#registered.add(customer.customerId);
    this.#effects.customers.push(customer);
  }

  erase(erasure: ErasureRow): void {
    const { customerId } = erasure;
    if (this.#erased.has(customerId)) return;
    if (!this.isErased(customerId)) this.#effects.erasures.push(erasure);
    this.#erased.add(customerId);
    this.#effects.removedCustomers.push({ customerId });
  }
}
