import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Customer, CustomerRow } from './customer.js';
import type { ErasureRow } from './erasure.js';

type Stored = Pick<BatchState, 'customers' | 'erasedCustomers'>;
type CustomerFields = { readonly [Field in 'name' | 'email']?: string | undefined };
type CustomerEffects = Pick<Effects, 'customers' | 'changedCustomers' | 'erasures' | 'removedCustomers'>;

/** The registered customers and the erased ones while a batch is decided: as loaded, plus what the batch did. */
export class Customers {
  /** Customers that the batch has registered or changed. */
  readonly #changed = new Map<string, Customer>();
  readonly #erased = new Set<string>();
  readonly #stored: Stored;
  readonly #effects: CustomerEffects;

  constructor(stored: Stored, effects: CustomerEffects) {
    this.#stored = stored;
    this.#effects = effects;
  }

  /** Undefined: nobody is registered under this id, or the customer was erased. */
  find(customerId: string): Readonly<Customer> | undefined {
    if (this.isErased(customerId)) return undefined;
    return this.#changed.get(customerId) ?? this.#stored.customers.get(customerId);
  }

  isErased(customerId: string): boolean {
    return this.#stored.erasedCustomers.has(customerId) || this.#erased.has(customerId);
  }

  register(customer: CustomerRow): void {
    this.#changed.set(customer.customerId, customer);
    this.#effects.customers.push(customer);
  }

  /** Sets the given fields of a customer whom `find` has found. */
  change(found: Readonly<Customer>, { name = found.name, email = found.email }: CustomerFields): Readonly<Customer> {
    const { customerId } = found;
    let customer = this.#changed.get(customerId);
    if (customer === undefined) {
      customer = { ...found };
      this.#changed.set(customerId, customer);
      this.#effects.changedCustomers.push(customer);
    }
    customer.name = name;
    customer.email = email;
    return customer;
  }

  erase(erasure: ErasureRow): void {
    const { customerId } = erasure;
    if (this.#erased.has(customerId)) return;
    if (!this.isErased(customerId)) this.#effects.erasures.push(erasure);
    this.#erased.add(customerId);
    this.#effects.removedCustomers.push({ customerId });
  }
}
