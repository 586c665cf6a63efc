import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { customerIdSchema, emailSchema, personNameSchema, takenAtSchema, takenBy } from './primitives.js';

export const customerCommands = {
  'customer.register': defineCommand({
    body: commandBody({
      customerId: customerIdSchema,
      name: personNameSchema,
      email: emailSchema,
      branchId: takenAtSchema,
    }),
    key: 'customerId',
    route: 'orders',
    senders: branches.named,
    topic: 'customers',
    // Nothing is sold by registering a customer, so it may be refused while no broker is reachable.
    mayWait: false,
    result: z.object({ customerId: customerIdSchema }),
    change: {
      'customer.registered': z.object({
        ...takenBy,
        name: z.string(),
        email: z.string(),
        registeredAt: z.iso.datetime(),
      }),
    },
    refusals: { 'customer-exists': { status: 409, title: 'The customer is registered already' } },
  }),
};
