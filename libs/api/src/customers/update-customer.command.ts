import { Controller, Patch } from '@nestjs/common';
import { ApiConsumes, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import {
  commandAcceptedSchema,
  customerIdSchema,
  customerPathSchema,
  headers as headerNames,
  patchCustomerRequestSchema,
  reasonsOf,
  spellingsOf,
} from '@eco/contracts';
import { respond, Input, operation, Operation, ProblemError, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { acceptedResponse } from '../http/commands/accepted.js';
import { commandHeadersSchema, DECIDED_HEADERS, requesterOf } from '../http/commands/command-headers.js';
import { COMMAND_PROBLEMS, responseOf } from '../http/commands/command-response.js';
import { changesCustomers } from '../http/policies.js';

/** Wait of a client that states none, s. */
const WAIT_SECONDS = 5;

const updateCustomer = operation({
  id: 'updateCustomer',
  summary: 'Change the name or the e-mail address of a customer',
  description:
    'A merge patch (RFC 7396): the fields that it names change, and the other does not. The log-in of an account stays ' +
    'as it is. A new address is not confirmed, so no mail goes to it.',
  access: changesCustomers('customer.update'),
  path: customerPathSchema,
  headers: commandHeadersSchema,
  body: patchCustomerRequestSchema,
  answers: {
    200: { description: 'Changed', body: z.object({ customerId: customerIdSchema }), headers: DECIDED_HEADERS },
    202: {
      description: 'Accepted; the decision was not known when the wait was over. Query `Location` later',
      body: commandAcceptedSchema,
      headers: ['Location', headerNames.preferenceApplied],
    },
  },
  problems: [...reasonsOf('customer.update'), ...COMMAND_PROBLEMS],
});

@ApiTags('customers')
@Controller('customers')
export class UpdateCustomerController {
  constructor(private readonly intake: CommandIntake) {}

  @Patch(':customerId')
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @Operation(updateCustomer)
  async update(@Input(updateCustomer) request: InputOf<typeof updateCustomer>): Promise<HttpResponse> {
    const [composed, given] = spellingsOf(request.path.customerId);
    try {
      return await this.#update(composed, request);
    } catch (error) {
      const isUnknown = error instanceof ProblemError && error.problem === 'customer-unknown';
      // An earlier version may have stored the customer under the id as given.
      if (!isUnknown || given === undefined) throw error;
      return this.#update(given, request);
    }
  }

  async #update(
    customerId: string,
    { headers, body, correlationId, trace, caller }: InputOf<typeof updateCustomer>,
  ): Promise<HttpResponse> {
    const requester = requesterOf({ headers, caller });
    const id = this.intake.commandId(requester, 'customer.update', customerId);
    const submission = await this.intake.submit({
      ...requester,
      id,
      kind: 'customer.update',
      body: { customerId, ...body },
      correlationId,
      trace,
      waitSeconds: headers.prefer ?? WAIT_SECONDS,
    });
    const response = responseOf(submission, id, headers.prefer);
    return response.type === 'accepted'
      ? acceptedResponse(id, response.headers)
      : respond(200, response.result, response.headers);
  }
}
