import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { replicationSchema } from '@eco/contracts';
import { operation, Operation } from '@eco/service';
import { Reads, type NodeReport } from '@eco/reads';
import { formatPosition, positionOf } from '@eco/routing';

const getReplication = operation({
  id: 'getReplication',
  summary: 'Every database node as reads see it',
  access: { administrator: 'any', operator: 'any' },
  answers: { 200: { description: 'By group and name', body: replicationSchema } },
});

@ApiTags('operations')
@Controller('replication')
export class ReplicationController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(getReplication)
  get(): z.infer<typeof replicationSchema> {
    return { nodes: this.reads.report().map(nodeOf) };
  }
}

function nodeOf(report: NodeReport): z.infer<typeof replicationSchema>['nodes'][number] {
  const { group, name, host, port, reachable, position, replication, reads } = report;
  const seen = replication?.seenByPrimary ?? undefined;
  return {
    group,
    node: name,
    host,
    port,
    reachable,
    role: report.role ?? null,
    state: seen?.state ?? null,
    syncState: seen?.syncState ?? null,
    follows: replication?.follows ?? null,
    position:
      position === undefined || position.term === 0 ? null : formatPosition(positionOf([{ group, ...position }])),
    lagMs: report.lagMs ?? null,
    lagBytes: seen?.lagBytes ?? null,
    slot: replication?.slot ?? null,
    conflicts: replication?.seenByItself?.conflicts ?? null,
    latencyMs: rounded(report.latencyMs, 2),
    reads,
    share: rounded(report.share, 4),
    fault: report.fault ?? null,
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
