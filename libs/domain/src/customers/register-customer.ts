import { done, refused, type Rules } from '../rules.js';

export const registerCustomer: Rules<'customer.register'> = {
  need({ body }, keys) {
    keys.customerIds.add(body.customerId);
  },
  decide({ body, stamp }, state) {
    const { customerId, name, email, branchId, emailConfirmed = false } = body;
    if (state.customers.isErased(customerId)) return refused('customer-erased');
    if (state.customers.find(customerId) !== undefined) return refused('customer-exists');
    const registeredAt = state.madeAt(stamp);
    state.customers.register({ customerId, bucket: state.buckets.of(customerId), name, email, branchId, registeredAt });
    return done(
      { customerId },
      {
        type: 'customer.registered',
        // A branch's machine may be stolen, and must not send mail to any address by this.
        data: { customerId, branchId, name, email, registeredAt, emailConfirmed: emailConfirmed && branchId === null },
      },
    );
  },
};
