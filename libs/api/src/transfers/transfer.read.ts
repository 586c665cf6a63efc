import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { reachesObject } from '@eco/access';
import { transferPathSchema, transferSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsTransfers } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { transferOf, transferQuery } from './transfer.query.js';

const getTransfer = operation({
  id: 'getTransfer',
  summary: 'One transfer between locations',
  access: readsTransfers,
  path: transferPathSchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'Its current state', body: transferSchema, headers: READ_ANSWER_HEADERS } },
  problems: ['transfer-unknown', ...READ_PROBLEMS],
});

@ApiTags('transfers')
@Controller('transfers')
export class TransferController {
  constructor(private readonly reads: Reads) {}

  @Get(':transferId')
  @Operation(getTransfer)
  async get(@Input(getTransfer) { path, headers, caller }: InputOf<typeof getTransfer>): Promise<HttpResponse> {
    const { transferId } = path;
    const options = readOptionsOf(headers);
    const read = await this.reads.ofId(transferId, transferQuery, [transferId], options);
    const { rows, source } = answered(read);
    const [row] = rows;
    const transfer = row && transferOf(row);
    if (transfer === undefined || !reachesObject(caller, { branchIds: [transfer.from, transfer.to] })) {
      throw problem('transfer-unknown', { headers: headersOf([source], options) });
    }
    return respond(200, transfer, headersOf([source], options));
  }
}
