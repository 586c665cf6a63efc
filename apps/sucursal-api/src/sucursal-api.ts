import { Module, type DynamicModule } from '@nestjs/common';
import { sharedIdKeyOf } from '@eco/access';
import { CommandRoutes } from '@eco/api/commands';
import { ReadRoutes } from '@eco/api/reads';
import { asyncApiDocument } from '@eco/contracts';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { branchAudience, BranchPins, RevokedSessions } from '@eco/identity';
import { openIntake, type CommandIntake } from '@eco/intake';
import { Reads } from '@eco/reads';
import type { SucursalConfig } from './config.js';
import { PinController } from './pins/pin.controller.js';

const api = {
  title: 'EcoMarket Sucursal API',
  version: '1',
  description:
    "A branch: accepts its till's orders, reservations, returns, carts and customers, and reads its stock and sales.",
};

@Module({})
class SucursalModule {
  static with(intake: CommandIntake, reads: Reads, pins: BranchPins | undefined): DynamicModule {
    return {
      module: SucursalModule,
      ...(pins && { controllers: [PinController], providers: [{ provide: BranchPins, useValue: pins }] }),
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
    sharedIdKey: sharedIdKeyOf(secrets.tokens),
    reads,
  });
  const revoked = new RevokedSessions(reads, frame.log);
  const { branchId, pinsFile: file } = config;
  const pins = file === undefined ? undefined : await BranchPins.open({ branchId, file, reads, log: frame.log });
  await reads.start();
  await Promise.all([revoked.start(), pins?.start()]);
  return startService(frame, {
    module: SucursalModule.with(commands.intake, reads, pins),
    authorization: authorizationOf(frame, config, {
      branchId,
      revoked: { has: (sessionId) => revoked.has(sessionId) || pins?.hasEnded(sessionId) === true },
      own: pins && { key: pins.publicKey, audience: branchAudience(branchId) },
    }),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [() => commands.stop(), () => revoked.stop(), async () => pins?.stop(), async () => reads.stop()],
  });
}
