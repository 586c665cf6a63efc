import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { CustomerRow } from './customer.js';

/** The registered customers while a batch is decided: as loaded, plus those registered in it. */
export class Customers {
  readonly #registered = new Set<string>();
  readonly #stored: BatchState['customers'];
  readonly #effects: Pick<Effects, 'customers'>;

  constructor(stored: BatchState['customers'], effects: Pick<Effects, 'customers'>) {
    this.#stored = stored;
    this.#effects = effects;
  }

  has(customerId: string): boolean {
    return this.#stored.has(customerId) || this.#registered.has(customerId);
  }

  register(customer: CustomerRow): void {
    this.#registered.add(customer.customerId);
    this.#effects.customers.push(customer);
  }
}
