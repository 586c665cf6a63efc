import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { sendTransferRequestSchema, transferMovedSchema, reasonsOf } from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { decidedHeadersSchema, DECIDED_HEADERS } from '../http/commands/command-headers.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { decideNow } from '../http/commands/decide-now.js';

const send = operation({
  summary: 'Send units from one location to another',
  description: 'They are in transit, and on hand nowhere, until the transfer is received.',
  headers: decidedHeadersSchema,
  body: sendTransferRequestSchema,
  answers: {
    201: { description: 'In transit', body: transferMovedSchema, headers: ['Location', ...DECIDED_HEADERS] },
  },
  problems: [...reasonsOf('transfer.send'), ...DECIDED_PROBLEMS],
});

@ApiTags('transfers')
@Controller('transfers')
export class TransfersController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(send)
  async send(@Input(send) { body, headers, correlationId }: InputOf<typeof send>): Promise<HttpResponse> {
    const kind = 'transfer.send';
    const id = this.intake.commandId(kind, body.productId, headers['idempotency-key']);
    const asked = { transferId: id, ...body };
    const done = await decideNow(this.intake, { id, kind, body: asked, headers, correlationId });
    return respond(201, done.result, { Location: `/transfers/${id}`, ...done.headers });
  }
}
