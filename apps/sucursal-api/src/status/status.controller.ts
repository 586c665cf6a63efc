import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase } from '@eco/branch';
import { branchStatusSchema } from '@eco/contracts';
import { Input, operation, Operation, type InputOf } from '@eco/service';
import { ReadServices } from '../read-service/read-services.js';
import { readsBranchStatus } from '../till/policies.js';
import { Online } from './online.js';

const readStatus = operation({
  id: 'getBranchStatus',
  summary: 'State of this branch and of its line to the head office',
  access: readsBranchStatus,
  answers: { 200: { description: 'The state', body: branchStatusSchema } },
});

@ApiTags('status')
@Controller('status')
export class StatusController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly services: ReadServices,
    private readonly online: Online,
  ) {}

  @Get()
  @Operation(readStatus)
  read(@Input(readStatus) _: InputOf<typeof readStatus>) {
    const { branchId, incarnation, sequence, frozen, contactAt, obstacle, ...journal } = this.database.status;
    const { depth, bytes, oldestAtMs, parked } = journal;
    const since = this.online.since;
    return {
      branchId,
      incarnation,
      sequence,
      frozen: frozen ?? null,
      online: {
        brokers: since !== undefined,
        readService: !this.services.isAway,
        since: since?.toISOString() ?? null,
      },
      journal: {
        depth,
        bytes,
        oldestSeconds: oldestAtMs === undefined ? null : Math.max(0, Math.round((Date.now() - oldestAtMs) / 1000)),
        parked,
      },
      contactAt,
      obstacle: obstacle ?? null,
    };
  }
}
