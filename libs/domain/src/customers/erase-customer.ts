import { done, type Rules } from '../rules.js';

/**
 * Erases a customer, whether or not one is registered under the id: a registration may still arrive. A repeat under
 * another command id empties again what has been stored since, such as a dead letter.
 */
export const eraseCustomer: Rules<'customer.erase'> = {
  need({ body }, keys) {
    keys.customerIds.add(body.customerId);
  },
  decide({ id, body: { customerId }, actor }, state) {
    const bucket = state.buckets.of(customerId);
    state.customers.erase({ customerId, bucket, commandId: id, by: actor?.id ?? null });
    return done({ customerId }, { type: 'customer.erased', data: { customerId, erasedAt: state.at } });
  },
};
