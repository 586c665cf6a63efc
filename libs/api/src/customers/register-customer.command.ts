import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  commandAcceptedSchema,
  customerIdSchema,
  headers as headerNames,
  registerCustomerRequestSchema,
  reasonsOf,
} from '@eco/contracts';
import { branchOf, respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { acceptedResponse } from '../http/commands/accepted.js';
import { commandHeadersSchema, DECIDED_HEADERS, requesterOf } from '../http/commands/command-headers.js';
import { COMMAND_PROBLEMS, responseOf } from '../http/commands/command-response.js';
import { changesAsStaff } from '../http/policies.js';

const registerCustomer = operation({
  id: 'registerCustomer',
  summary: 'Register a customer',
  description: 'Without a `customerId` one is created; a repeat with the same `Idempotency-Key` gets the same one.',
  access: changesAsStaff('customer.register'),
  headers: commandHeadersSchema,
  body: registerCustomerRequestSchema,
  answers: {
    202: {
      description: 'Accepted; `Location` is where the customer will be',
      body: commandAcceptedSchema.extend({ customerId: customerIdSchema }),
      headers: ['Location', headerNames.preferenceApplied, headerNames.durability],
    },
    201: {
      description: 'Registered, with `Prefer: wait`',
      body: z.object({ customerId: customerIdSchema }),
      headers: ['Location', ...DECIDED_HEADERS],
    },
  },
  problems: [...reasonsOf('customer.register'), ...COMMAND_PROBLEMS],
});

@ApiTags('customers')
@Controller('customers')
export class RegisterCustomerController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(registerCustomer)
  async register(
    @Input(registerCustomer) { headers, body, correlationId, trace, caller }: InputOf<typeof registerCustomer>,
  ): Promise<HttpResponse> {
    const requester = requesterOf({ headers, caller });
    const { customerId = this.intake.customerId(requester), name, email } = body;
    const id = this.intake.commandId(requester, 'customer.register', customerId);
    const submission = await this.intake.submit({
      ...requester,
      id,
      kind: 'customer.register',
      body: { customerId, name, email, branchId: branchOf(caller, this.intake.branchId) },
      correlationId,
      trace,
      waitSeconds: headers.prefer ?? 0,
    });
    const response = responseOf(submission, id, headers.prefer);
    const location = { Location: `/customers/${encodeURIComponent(customerId)}` };
    if (response.type === 'done') return respond(201, response.result, { ...location, ...response.headers });
    return acceptedResponse(id, { ...response.headers, ...location }, { customerId });
  }
}
