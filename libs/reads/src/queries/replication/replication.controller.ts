import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { groupIdSchema } from '@eco/contracts';
import { operation, Operation } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';
import { Reads } from '../../reads.js';

export const replicationSchema = z.object({
  nodes: z.array(
    z.object({
      group: groupIdSchema,
      node: z.string().meta({ examples: ['g1-2'] }),
      host: z.string(),
      port: z.number().int(),
      reachable: z.boolean(),
      /** As last seen; null: not seen yet. A deposed primary thinks it is one still, and is not read. */
      role: z.enum(['primary', 'replica', 'deposed']).nullable(),
      position: z
        .string()
        .nullable()
        .meta({ examples: ['g1=7.1f0c5e9a.1234'] }),
      /** Age of the oldest batch that it has not shown, ms. */
      lagMs: z.number().int().nullable(),
      /** Time a read takes lately, ms. */
      latencyMs: z.number(),
      /** Answered by it since this process began. */
      reads: z.number().int(),
      /** Why it can't be read. */
      fault: z.string().nullable(),
    }),
  ),
});

const getReplication = operation({
  summary: 'Every database node as the reads see it',
  answers: { 200: { description: 'By group and name', body: replicationSchema } },
});

@ApiTags('operations')
@Controller('replication')
export class ReplicationController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(getReplication)
  get(): z.infer<typeof replicationSchema> {
    return {
      nodes: this.reads
        .report()
        .map(({ group, name, host, port, reachable, role, position, lagMs, latencyMs, reads, fault }) => ({
          group,
          node: name,
          host,
          port,
          reachable,
          role: role ?? null,
          position:
            position === undefined || position.term === 0 ? null : formatPosition(positionOf([{ group, ...position }])),
          lagMs: lagMs ?? null,
          latencyMs: Math.round(latencyMs * 100) / 100,
          reads,
          fault: fault ?? null,
        })),
    };
  }
}
