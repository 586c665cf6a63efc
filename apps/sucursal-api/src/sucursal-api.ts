import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { sharedIdKeyOf } from '@eco/access';
import { branchPinsSchema, revokedSessionsSchema } from '@eco/api/branch';
import { CommandRoutes } from '@eco/api/commands';
import { clientReadRoutes, ReadRoutes } from '@eco/api/reads';
import { asyncApiDocument } from '@eco/contracts';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { branchAudience, BranchPins, RevokedSessions } from '@eco/identity';
import { openIntake, type CommandIntake } from '@eco/intake';
import type { SucursalConfig } from './config.js';
import { PinController } from './pins/pin.controller.js';
import { ForwardReads } from './read-service/forward-reads.js';
import { ReadServices } from './read-service/read-services.js';
import { RemoteGroups } from './read-service/remote-groups.js';
import { RemoteOwners } from './read-service/remote-owners.js';

const api = {
  title: 'EcoMarket Sucursal API',
  version: '1',
  description:
    "A branch: accepts its till's orders, reservations, returns, carts and customers, and reads its stock and sales.",
};

/** Hashes of the PINs of the branch's staff, in the branch's folder. */
const PINS_FILE = 'pins.json';

@Module({})
class SucursalModule {
  static with(branchId: string, intake: CommandIntake, services: ReadServices, pins: BranchPins): DynamicModule {
    const forward = new ForwardReads(branchId, services, intake);
    return {
      module: SucursalModule,
      controllers: [PinController],
      providers: [{ provide: BranchPins, useValue: pins }],
      imports: [
        CommandRoutes.of(intake, new RemoteOwners(services), [
          'orders',
          'reservations',
          'receiveTransfers',
          'carts',
          'customers',
        ]),
        ReadRoutes.forwarded((request) => forward.answer(request), clientReadRoutes),
      ],
    };
  }
}

/**
 * Starts the process. Brokers and read-services may be away: it is ready once the brokers are reachable. It has no
 * password of a database: the read-services answer its reads.
 */
export async function startSucursalApi(config: SucursalConfig): Promise<Service> {
  const frame = createFrame(config);
  const { secrets, branchId, branchDir } = config;
  const { log } = frame;
  const services = new ReadServices(config.readServices, secrets.tokens.branchKey, log);
  const commands = openIntake(frame, {
    brokers: config.brokers,
    login: secrets.amqp,
    branchId,
    sharedIdKey: sharedIdKeyOf(secrets.tokens),
    reads: new RemoteGroups(config.groupIds, services),
  });
  const revoked = new RevokedSessions(async (afterMs) => {
    const after = Math.max(0, Math.floor(afterMs));
    return (await services.read(`/branch/revoked-sessions?after=${after}`, revokedSessionsSchema)).sessions;
  }, log);
  const readPins = async () => (await services.read('/branch/pins', branchPinsSchema)).pins;
  mkdirSync(branchDir, { recursive: true, mode: 0o700 });
  const pins = await BranchPins.open({ branchId, file: path.join(branchDir, PINS_FILE), readPins, log });
  frame.health.fact('read-service', () => services.state);
  await services.start();
  await Promise.all([revoked.start(), pins.start()]);
  return startService(frame, {
    module: SucursalModule.with(branchId, commands.intake, services, pins),
    authorization: authorizationOf(frame, config, {
      branchId,
      revoked: { has: (sessionId) => revoked.has(sessionId) || pins.hasEnded(sessionId) },
      own: { key: pins.publicKey, audience: branchAudience(branchId) },
      onKeys: ({ branchKey }) => services.useKey(branchKey),
    }),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [() => commands.stop(), () => revoked.stop(), () => pins.stop(), () => services.stop()],
  });
}
