import { done, refused, type Rules } from '../rules.js';

export const registerCustomer: Rules<'customer.register'> = {
  need({ body }, keys) {
    keys.customerIds.add(body.customerId);
  },
  decide({ body, stamp }, state) {
    const { customerId, name, email, branchId } = body;
    if (state.customers.has(customerId)) return refused('customer-exists');
    const registeredAt = state.madeAt(stamp);
    state.customers.register({ customerId, bucket: state.buckets.of(customerId), name, email, branchId, registeredAt });
    return done(
      { customerId },
      { type: 'customer.registered', data: { customerId, branchId, name, email, registeredAt } },
    );
  },
};
