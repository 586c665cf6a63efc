import { done, refused, type Rules } from '../rules.js';

/** Changes the fields that the command states. It confirms no address, so no mail is sent to a new one. */
export const updateCustomer: Rules<'customer.update'> = {
  need({ body }, keys) {
    keys.customerIds.add(body.customerId);
  },
  decide({ body }, state) {
    const found = state.customers.find(body.customerId);
    if (found === undefined) return refused('customer-unknown');
    const { customerId, branchId, name, email, registeredAt } = state.customers.change(found, body);
    return done(
      { customerId },
      { type: 'customer.updated', data: { customerId, branchId, name, email, registeredAt } },
    );
  },
};
