import { allReadRoutes, ReadRoutes } from '@eco/api/reads';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { RevokedSessions } from '@eco/identity';
import { Reads } from '@eco/reads';
import type { ReadServiceConfig } from './config.js';

const api = {
  title: 'EcoMarket read-service',
  version: '1',
  description:
    'Reads from the database node that is fresh enough. Every answer names its source, its lag and its position; a ' +
    'reader that brings the position it last got never sees time run back.',
};

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
  const revoked = new RevokedSessions(reads, frame.log);
  await reads.start();
  await revoked.start();
  return startService(frame, {
    module: ReadRoutes.of(reads, allReadRoutes),
    authorization: authorizationOf(frame, config, { branchId: null, revoked }),
    api,
    close: [() => revoked.stop(), async () => reads.stop()],
  });
}
