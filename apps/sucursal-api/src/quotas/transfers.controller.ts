import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase } from '@eco/branch';
import {
  expectedTransferListSchema,
  ofProductRequestSchema,
  receivedTransferSchema,
  transferPathSchema,
} from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { readsBranch, worksAtTill } from '../till/policies.js';
import { doneOr, RECORD_PROBLEMS, RECORDED_HEADERS, recordHeadersSchema, Requests } from '../till/recorded.js';

const receive = operation({
  id: 'receiveTransfer',
  summary: 'Receive goods that the head office has sent',
  description:
    'The units can be sold at once. The branch learns of a transfer while it is online; it can receive it also later. What ' +
    'was lost on the way is corrected by a count.',
  access: worksAtTill,
  path: transferPathSchema,
  headers: recordHeadersSchema,
  body: ofProductRequestSchema,
  answers: { 200: { description: 'Received', body: receivedTransferSchema, headers: RECORDED_HEADERS } },
  problems: ['transfer-unknown', 'transfer-arrived', 'not-reconciled', ...RECORD_PROBLEMS],
});

const listExpected = operation({
  id: 'listExpectedTransfers',
  summary: 'Goods on the way to this branch',
  access: readsBranch,
  answers: { 200: { description: 'Transfers that were not received', body: expectedTransferListSchema } },
});

@ApiTags('transfers')
@Controller('transfers')
export class BranchTransfersController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
  ) {}

  @Get()
  @Operation(listExpected)
  list(@Input(listExpected) _: InputOf<typeof listExpected>) {
    const items = this.database.units.expectedTransfers();
    return {
      items: items.map(({ transferId, productId, quantity, at }) => ({ transferId, productId, quantity, sentAt: at })),
    };
  }

  @Post(':transferId/receive')
  @Operation(receive)
  async receive(@Input(receive) request: InputOf<typeof receive>): Promise<HttpResponse> {
    const { transferId } = request.path;
    const known = this.database.units.transfer(transferId);
    if (known === undefined || known.productId !== request.body.productId) throw problem('transfer-unknown');
    const outcome = await this.database.units.receiveTransfer({
      ...this.requests.asked('quota.accept', request),
      transferId,
    });
    return doneOr(
      outcome,
      ({ reason }) => problem(problems[reason]),
      ({ productId, quantity }) => ({ transferId, productId, quantity }),
    );
  }
}

const problems = { 'transfer-unknown': 'transfer-unknown', 'transfer-received': 'transfer-arrived' } as const;
