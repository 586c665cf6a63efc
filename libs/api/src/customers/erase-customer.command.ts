import { Controller, Delete } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  commandAcceptedSchema,
  customerPathSchema,
  headers as headerNames,
  reasonsOf,
  spellingsOf,
} from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { acceptedResponse } from '../http/commands/accepted.js';
import { commandHeadersSchema, DECIDED_HEADERS, requesterOf } from '../http/commands/command-headers.js';
import { COMMAND_PROBLEMS, responseOf } from '../http/commands/command-response.js';
import { changesCustomers } from '../http/policies.js';

/** Wait of a client that states none, s. */
const WAIT_SECONDS = 5;

const eraseCustomer = operation({
  id: 'eraseCustomer',
  summary: 'Erase everything that is stored about a customer',
  description:
    'Name, e-mail address and account are gone for good, and nobody is registered under this id again. Orders stay, ' +
    'with the id alone. A repeat empties again what has arrived since.',
  access: changesCustomers('customer.erase'),
  path: customerPathSchema,
  headers: commandHeadersSchema,
  answers: {
    202: {
      description: 'Accepted; the decision was not known when the wait was over. Query `Location` later',
      body: commandAcceptedSchema,
      headers: ['Location', headerNames.preferenceApplied],
    },
    204: { description: 'Erased. Copies follow within seconds', headers: DECIDED_HEADERS },
  },
  problems: [...reasonsOf('customer.erase'), ...COMMAND_PROBLEMS],
});

@ApiTags('customers')
@Controller('customers')
export class EraseCustomerController {
  constructor(private readonly intake: CommandIntake) {}

  @Delete(':customerId')
  @Operation(eraseCustomer)
  async erase(
    @Input(eraseCustomer) { path, headers, correlationId, trace, caller }: InputOf<typeof eraseCustomer>,
  ): Promise<HttpResponse> {
    const requester = requesterOf({ headers, caller });
    let erased: HttpResponse | undefined;
    // Each spelling under which an earlier version may have stored the person is erased.
    for (const customerId of spellingsOf(path.customerId)) {
      const id = this.intake.commandId(requester, 'customer.erase', customerId);
      const submission = await this.intake.submit({
        ...requester,
        id,
        kind: 'customer.erase',
        body: { customerId },
        correlationId,
        trace,
        waitSeconds: headers.prefer ?? WAIT_SECONDS,
      });
      const response = responseOf(submission, id, headers.prefer);
      const answer =
        response.type === 'accepted'
          ? acceptedResponse(id, response.headers)
          : respond(204, undefined, response.headers);
      if (erased === undefined || erased.status === 204) erased = answer;
    }
    return erased as HttpResponse;
  }
}
