import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { customerIdSchema, emailSchema, personNameSchema, takenAtSchema, takenBy } from './primitives.js';
import { timestampSchema } from './times.js';

/** The customer after the change. */
const customerChangedSchema = z.object({
  ...takenBy,
  name: z.string(),
  email: z.string(),
  registeredAt: timestampSchema,
});

export const customerCommands = {
  'customer.register': defineCommand({
    body: commandBody({
      customerId: customerIdSchema,
      name: personNameSchema,
      email: emailSchema,
      branchId: takenAtSchema,
      /** True: its owner has confirmed the address. Only Central can know it, so it counts only without a branch. */
      emailConfirmed: z.literal(true).optional(),
    }),
    key: 'customerId',
    route: 'orders',
    senders: branches.named,
    topic: 'customers',
    // It contains a person's name and address, so Central's journal never has it.
    mayWait: 'at-branch',
    result: z.object({ customerId: customerIdSchema }),
    change: {
      'customer.registered': customerChangedSchema.extend({
        /** True: mail may be sent to the address. */
        emailConfirmed: z.boolean().optional(),
      }),
    },
    refusals: {
      'customer-exists': { status: 409, title: 'The customer is registered already' },
      'customer-erased': {
        status: 409,
        title: 'The customer with this id was erased. Register the person under another id',
      },
    },
  }),
  'customer.update': defineCommand({
    body: commandBody({
      customerId: customerIdSchema,
      /** Absent, here and below: unchanged. */
      name: personNameSchema.optional(),
      email: emailSchema.optional(),
    }),
    key: 'customerId',
    route: 'products',
    senders: 'central',
    topic: 'customers',
    // As for a registration: Central's journal never has a person's name and address.
    mayWait: false,
    result: z.object({ customerId: customerIdSchema }),
    change: { 'customer.updated': customerChangedSchema },
    refusals: { 'customer-unknown': { status: 404, title: 'There is no such customer' } },
  }),
  /** Empties everything that is stored about the person. The id stays in orders, and is never registered again. */
  'customer.erase': defineCommand({
    body: commandBody({ customerId: customerIdSchema }),
    key: 'customerId',
    route: 'products',
    senders: 'central',
    topic: 'customers',
    mayWait: false,
    result: z.object({ customerId: customerIdSchema }),
    change: { 'customer.erased': z.object({ customerId: customerIdSchema, erasedAt: timestampSchema }) },
    refusals: {},
  }),
};
