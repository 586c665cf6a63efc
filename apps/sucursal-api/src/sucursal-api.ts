import { Module, type DynamicModule } from '@nestjs/common';
import { CommandRoutes } from '@eco/api/commands';
import { ReadRoutes } from '@eco/api/reads';
import { asyncApiDocument } from '@eco/contracts';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { openIntake, type CommandIntake } from '@eco/intake';
import { Reads } from '@eco/reads';
import type { SucursalConfig } from './config.js';

const api = {
  title: 'EcoMarket Sucursal API',
  version: '1',
  description:
    "A branch: accepts its till's orders, reservations, returns, carts and customers, and reads what it sells.",
};

@Module({})
class SucursalModule {
  static with(intake: CommandIntake, reads: Reads): DynamicModule {
    return {
      module: SucursalModule,
      imports: [
        CommandRoutes.of(intake, ['orders', 'reservations', 'receiveTransfers', 'carts', 'customers']),
        ReadRoutes.of(
          reads,
          [
            'orders',
            'products',
            'inventory',
            'reservations',
            'transfers',
            'customers',
            'customersOfEmail',
            'carts',
            'commands',
            'sales',
          ],
          intake,
        ),
      ],
    };
  }
}

/** Starts the process. Brokers and databases may be away: it is ready once the brokers are reachable. */
export async function startSucursalApi(config: SucursalConfig): Promise<Service> {
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
    branchId: config.branchId,
    reads,
  });
  await reads.start();
  return startService(frame, {
    module: SucursalModule.with(commands.intake, reads),
    authorization: authorizationOf(config, config.branchId),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [() => commands.stop(), async () => reads.stop()],
  });
}
