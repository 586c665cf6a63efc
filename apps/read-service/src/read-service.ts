import { Module, type DynamicModule } from '@nestjs/common';
import { BranchRoutes, type BranchRoutesOptions } from '@eco/api/branch';
import { allReadRoutes, ReadRoutes } from '@eco/api/reads';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { PinStore, PrimaryConnection, RevokedSessions, revokedSessionsIn } from '@eco/identity';
import { Reads } from '@eco/reads';
import type { ReadServiceConfig } from './config.js';

const api = {
  title: 'EcoMarket read-service',
  version: '1',
  description:
    'Reads from the database node that is fresh enough. Every answer names its source, its lag and its position; a ' +
    'reader that brings the position it last got never sees time run back.',
};

@Module({})
class ReadModule {
  static with(options: BranchRoutesOptions): DynamicModule {
    return { module: ReadModule, imports: [ReadRoutes.of(options.reads, allReadRoutes), BranchRoutes.of(options)] };
  }
}

/** Starts the process. Absent nodes do not prevent it: it is ready once each group has a node that answers. */
export async function startReadService(config: ReadServiceConfig): Promise<Service> {
  const frame = createFrame(config);
  const reads = new Reads({
    groups: config.groups,
    login: { user: 'eco_reader', password: config.secrets.database.eco_reader },
    monitor: { user: 'eco_monitor', password: config.secrets.database.eco_monitor },
    applicationName: config.name,
    log: frame.log,
    registry: frame.metrics.registry,
    settings: config,
  });
  frame.health.indicator('database', () => {
    const missing = reads.groupsMissing();
    return missing.length === 0 ? undefined : `no node of ${missing.join(', ')} answers`;
  });
  const readRevoked = revokedSessionsIn(reads);
  const revoked = new RevokedSessions(readRevoked, frame.log);
  // The tables of accounts are in the first group.
  const [{ id: home }] = config.groups;
  const asPins = new PrimaryConnection({
    nodes: () => reads.nodesOf(home),
    user: 'eco_pins',
    password: config.secrets.database.eco_pins,
    applicationName: config.name,
  });
  await reads.start();
  await revoked.start();
  return startService(frame, {
    module: ReadModule.with({ reads, readRevoked, pins: new PinStore(asPins) }),
    authorization: authorizationOf(frame, config, { branchId: null, revoked }),
    api,
    close: [() => revoked.stop(), async () => asPins.close(), async () => reads.stop()],
  });
}
