import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  branchPathSchema,
  quotaCommands,
  quotaDecisionRequestSchema,
  quotaPathSchema,
  reasonsOf,
  recallQuotaRequestSchema,
  unfreezeBranchRequestSchema,
} from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { DECIDED_HEADERS, decidedHeadersSchema, requesterOf } from '../http/commands/command-headers.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { decideNow } from '../http/commands/decide-now.js';
import { changesStock } from '../http/policies.js';

const recall = operation({
  id: 'recallQuota',
  summary: 'Ask a branch to give back units',
  description: 'Moves nothing: the branch gives back what it can spare when it is online.',
  access: changesStock('quota.recall'),
  path: quotaPathSchema,
  headers: decidedHeadersSchema,
  body: recallQuotaRequestSchema,
  answers: {
    200: { description: 'Asked', body: quotaCommands['quota.recall'].result, headers: DECIDED_HEADERS },
  },
  problems: [...reasonsOf('quota.recall'), ...DECIDED_PROBLEMS],
});

const writeOff = operation({
  id: 'writeOffQuota',
  summary: 'End the right of a branch to units',
  description:
    'The branch may have sold them already, so they never return to the pool: late sales are taken from them, and units ' +
    'that turn up return by a count of the branch.',
  access: changesStock('quota.write-off'),
  path: quotaPathSchema,
  headers: decidedHeadersSchema,
  body: quotaDecisionRequestSchema,
  answers: {
    200: { description: 'Written off', body: quotaCommands['quota.write-off'].result, headers: DECIDED_HEADERS },
  },
  problems: [...reasonsOf('quota.write-off'), ...DECIDED_PROBLEMS],
});

const settle = operation({
  id: 'settleQuota',
  summary: 'Accept that a branch had units that no record showed',
  access: changesStock('quota.settle'),
  path: quotaPathSchema,
  headers: decidedHeadersSchema,
  body: quotaDecisionRequestSchema,
  answers: {
    200: { description: 'Settled', body: quotaCommands['quota.settle'].result, headers: DECIDED_HEADERS },
  },
  problems: [...reasonsOf('quota.settle'), ...DECIDED_PROBLEMS],
});

const unfreeze = operation({
  id: 'unfreezeBranch',
  summary: 'Let a branch have units again',
  description: 'After a manager has found out which of two databases is the right one.',
  access: changesStock('branch.unfreeze'),
  path: branchPathSchema,
  headers: decidedHeadersSchema,
  body: unfreezeBranchRequestSchema,
  answers: {
    200: { description: 'It gets units', body: quotaCommands['branch.unfreeze'].result, headers: DECIDED_HEADERS },
  },
  problems: [...reasonsOf('branch.unfreeze'), ...DECIDED_PROBLEMS],
});

@ApiTags('quotas')
@Controller('quotas/:branchId/:productId')
export class QuotaController {
  constructor(private readonly intake: CommandIntake) {}

  @Post('recall')
  @Operation(recall)
  async recall(@Input(recall) { path, body, ...request }: InputOf<typeof recall>): Promise<HttpResponse> {
    const kind = 'quota.recall';
    const id = this.intake.commandId(requesterOf(request), kind, path.productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { recallId: id, ...path, ...body } });
    return respond(200, done.result, done.headers);
  }

  @Post('write-off')
  @Operation(writeOff)
  async writeOff(@Input(writeOff) { path, body, ...request }: InputOf<typeof writeOff>): Promise<HttpResponse> {
    const kind = 'quota.write-off';
    const id = this.intake.commandId(requesterOf(request), kind, path.productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { ...path, ...body } });
    return respond(200, done.result, done.headers);
  }

  @Post('settle')
  @Operation(settle)
  async settle(@Input(settle) { path, body, ...request }: InputOf<typeof settle>): Promise<HttpResponse> {
    const kind = 'quota.settle';
    const id = this.intake.commandId(requesterOf(request), kind, path.productId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { ...path, ...body } });
    return respond(200, done.result, done.headers);
  }
}

@ApiTags('branches')
@Controller('branches/:branchId')
export class BranchesController {
  constructor(private readonly intake: CommandIntake) {}

  @Post('unfreeze')
  @Operation(unfreeze)
  async unfreeze(@Input(unfreeze) { path, body, ...request }: InputOf<typeof unfreeze>): Promise<HttpResponse> {
    const kind = 'branch.unfreeze';
    const id = this.intake.commandId(requesterOf(request), kind, path.branchId);
    const done = await decideNow(this.intake, { ...request, id, kind, body: { ...path, ...body } });
    return respond(200, done.result, done.headers);
  }
}
