import { Module, type DynamicModule } from '@nestjs/common';
import { sharedIdKeyOf } from '@eco/access';
import { allCommandRoutes, CommandRoutes, StoredOwners } from '@eco/api/commands';
import { clientReadRoutes, ReadRoutes } from '@eco/api/reads';
import { asyncApiDocument } from '@eco/contracts';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { RevokedSessions, revokedSessionsIn } from '@eco/identity';
import { openIntake, type CommandIntake } from '@eco/intake';
import { Reads } from '@eco/reads';
import { CentralAuth } from './auth/central-auth.js';
import type { CentralConfig } from './config.js';
import { CentralConsumers } from './consumers/central-consumers.js';

const api = {
  title: 'EcoMarket Central API',
  version: '1',
  description:
    'The head office: takes orders, reservations, carts and customers, keeps the catalogue and the stock, and reads.',
};

@Module({})
class CentralModule {
  static with(intake: CommandIntake, reads: Reads, consumers: CentralConsumers, auth: CentralAuth): DynamicModule {
    return {
      module: CentralModule,
      imports: [
        CommandRoutes.of(intake, new StoredOwners(reads), allCommandRoutes),
        ReadRoutes.of(reads, [...clientReadRoutes, 'quotas', 'transfersInTransit'], intake),
        consumers.module,
        auth.module,
      ],
    };
  }
}

/**
 * Starts the process. Brokers and databases may be away: it still accepts orders. Throws a `StartError` if the journal,
 * which would keep these orders, is not available.
 */
export async function startCentralApi(config: CentralConfig): Promise<Service> {
  const frame = createFrame(config);
  const { secrets } = config;
  const reads = new Reads({
    groups: config.groups,
    login: { user: 'eco_reader', password: secrets.database.eco_reader },
    applicationName: config.name,
    log: frame.log,
    registry: frame.metrics.registry,
    settings: config,
  });
  const commands = openIntake(frame, {
    brokers: config.brokers,
    login: secrets.amqp,
    branchId: null,
    sharedIdKey: sharedIdKeyOf(secrets.tokens),
    reads,
    journal: { dir: config.journalDir, limitBytes: config.journalMb * 1024 * 1024 },
  });
  const consumers = new CentralConsumers(frame, config, reads);
  const auth = new CentralAuth(frame, config, reads, commands.intake);
  const revoked = new RevokedSessions(revokedSessionsIn(reads), frame.log);
  await reads.start();
  await revoked.start();
  consumers.start();
  auth.start();
  return startService(frame, {
    module: CentralModule.with(commands.intake, reads, consumers, auth),
    authorization: authorizationOf(frame, config, {
      branchId: null,
      revoked,
      onKeys: (tokens) => auth.useTokenSecrets(tokens),
    }),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [
      () => consumers.stop(),
      () => auth.stop(),
      () => commands.stop(),
      () => revoked.stop(),
      async () => reads.stop(),
    ],
  });
}
