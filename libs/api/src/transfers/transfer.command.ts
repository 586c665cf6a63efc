import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  reasonsOf,
  sendTransferRequestSchema,
  transferMovedSchema,
  transferPathSchema,
  transferWrittenOffSchema,
  writeOffTransferRequestSchema,
} from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { isRoutedBy } from '@eco/routing';
import { DECIDED_HEADERS, decidedHeadersSchema, requesterOf } from '../http/commands/command-headers.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { decideNow } from '../http/commands/decide-now.js';
import { locationOf } from '../http/commands/order-answer.js';
import { changesStock } from '../http/policies.js';

const send = operation({
  id: 'sendTransfer',
  summary: 'Send units from one location to another',
  description: 'They are in transit, and on hand nowhere, until the transfer is received.',
  access: changesStock('transfer.send'),
  headers: decidedHeadersSchema,
  body: sendTransferRequestSchema,
  answers: {
    201: { description: 'In transit', body: transferMovedSchema, headers: ['Location', ...DECIDED_HEADERS] },
  },
  problems: [...reasonsOf('transfer.send'), ...DECIDED_PROBLEMS],
});

const writeOff = operation({
  id: 'writeOffTransfer',
  summary: 'End a transfer whose units are lost',
  description: 'The ledger shows its units as a loss at its destination. Units that turn up later return by a count.',
  access: changesStock('transfer.write-off'),
  path: transferPathSchema,
  headers: decidedHeadersSchema,
  body: writeOffTransferRequestSchema,
  answers: { 200: { description: 'Written off', body: transferWrittenOffSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('transfer.write-off'), ...DECIDED_PROBLEMS],
});

@ApiTags('transfers')
@Controller('transfers')
export class TransfersController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(send)
  async send(@Input(send) { body, ...request }: InputOf<typeof send>): Promise<HttpResponse> {
    const kind = 'transfer.send';
    const id = this.intake.commandId(requesterOf(request), kind, body.productId);
    const asked = { transferId: id, ...body };
    const done = await decideNow(this.intake, { ...request, id, kind, body: asked });
    return respond(201, done.result, { ...locationOf('transfers', done.result['transferId']), ...done.headers });
  }

  @Post(':transferId/write-off')
  @Operation(writeOff)
  async writeOff(@Input(writeOff) { path, body, ...request }: InputOf<typeof writeOff>): Promise<HttpResponse> {
    const { transferId } = path;
    if (!isRoutedBy(transferId, body.productId)) throw problem('transfer-unknown');
    const kind = 'transfer.write-off';
    const id = this.intake.commandId(requesterOf(request), kind, body.productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { transferId, ...body } });
    return respond(200, done.result, done.headers);
  }
}
