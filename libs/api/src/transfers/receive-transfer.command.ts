import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ofProductRequestSchema, transferMovedSchema, transferPathSchema, reasonsOf } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { isRoutedBy } from '@eco/routing';
import { DECIDED_HEADERS, decidedHeadersSchema, requesterOf } from '../http/commands/command-headers.js';
import { decideNow } from '../http/commands/decide-now.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { Owners } from '../branch/owners.js';
import { refuseForeign } from '../http/commands/own-object.js';
import { changesAsStaff } from '../http/policies.js';

const receive = operation({
  id: 'receiveTransfer',
  summary: 'Mark a transfer as arrived',
  description: 'Its units are on hand at its destination. What was lost on the way is adjusted away there.',
  access: changesAsStaff('transfer.receive'),
  path: transferPathSchema,
  headers: decidedHeadersSchema,
  body: ofProductRequestSchema,
  answers: { 200: { description: 'Arrived', body: transferMovedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('transfer.receive'), ...DECIDED_PROBLEMS],
});

@ApiTags('transfers')
@Controller('transfers')
export class TransferArrivalsController {
  constructor(
    private readonly intake: CommandIntake,
    private readonly owners: Owners,
  ) {}

  @Post(':transferId/receive')
  @Operation(receive)
  async receive(@Input(receive) { path, body, ...request }: InputOf<typeof receive>): Promise<HttpResponse> {
    const { transferId } = path;
    const { productId } = body;
    if (!isRoutedBy(transferId, productId)) throw problem('transfer-unknown');
    await refuseForeign(this.owners, request.caller, 'transfers', transferId);
    const kind = 'transfer.receive';
    const id = this.intake.commandId(requesterOf(request), kind, productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { transferId, productId } });
    return respond(200, done.result, done.headers);
  }
}
