import path from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { sharedIdKeyOf } from '@eco/access';
import { branchPinsSchema, revokedSessionsSchema } from '@eco/api/branch';
import { CommandRoutes } from '@eco/api/commands';
import { clientReadRoutes, ReadRoutes } from '@eco/api/reads';
import { StartError, type Log } from '@eco/base';
import { BranchDatabase, BranchDatabaseError } from '@eco/branch';
import { asyncApiDocument, type Command } from '@eco/contracts';
import { FETCH_DEFAULTS, type FetchSettings } from '@eco/domain';
import { authorizationOf, createFrame, startService, type Service } from '@eco/service';
import { branchAudience, BranchPins, RevokedSessions } from '@eco/identity';
import { openIntake, traitsOfCommand, type CommandIntake } from '@eco/intake';
import type { Appended } from '@eco/journal';
import type { SucursalConfig } from './config.js';
import { BranchFeed } from './feed/branch-feed.js';
import { RemoteHeadOffice } from './feed/remote-head-office.js';
import { PinController } from './pins/pin.controller.js';
import { ForwardReads } from './read-service/forward-reads.js';
import { LocalReads } from './read-service/local-reads.js';
import { BranchInventoryController } from './quotas/inventory.controller.js';
import { BranchTransfersController } from './quotas/transfers.controller.js';
import { ReceiptPrinter } from './receipts/receipt-printer.js';
import { Receipts } from './receipts/receipts.js';
import { ReceiptsController } from './receipts/receipts.controller.js';
import type { PaperStyle } from './receipts/render-receipt.js';
import { ReturnsController } from './sales/returns.controller.js';
import { SalesController } from './sales/sales.controller.js';
import { ShiftsController } from './shifts/shifts.controller.js';
import { TillsController } from './shifts/tills.controller.js';
import { Online } from './status/online.js';
import { StatusController } from './status/status.controller.js';
import { Requests } from './till/recorded.js';
import { ReadServices } from './read-service/read-services.js';
import { RemoteGroups } from './read-service/remote-groups.js';
import { RemoteOwners } from './read-service/remote-owners.js';

const api = {
  title: 'EcoMarket Sucursal API',
  version: '1',
  description:
    'A branch: sells at its tills from the units that it holds, also without a line to the head office, and accepts orders, ' +
    'reservations, carts and customers.',
};

/** Hashes of the PINs of the branch's staff, in the branch's folder. */
const PINS_FILE = 'pins.json';

interface Parts {
  readonly database: BranchDatabase;
  readonly intake: CommandIntake;
  readonly services: ReadServices;
  readonly pins: BranchPins;
  readonly receipts: Receipts;
  readonly online: Online;
}

/** What the branch answers itself: the head office may be away. */
const ownControllers = [
  PinController,
  SalesController,
  ReturnsController,
  ShiftsController,
  TillsController,
  ReceiptsController,
  BranchInventoryController,
  BranchTransfersController,
  StatusController,
];

@Module({})
class SucursalModule {
  static with({ database, intake, services, pins, receipts, online }: Parts): DynamicModule {
    const { branchId } = database;
    const local = new LocalReads(database);
    const forward = new ForwardReads({ branchId, services, stamps: intake, local });
    return {
      module: SucursalModule,
      controllers: ownControllers,
      providers: [
        { provide: BranchDatabase, useValue: database },
        { provide: BranchPins, useValue: pins },
        { provide: ForwardReads, useValue: forward },
        { provide: Online, useValue: online },
        { provide: ReadServices, useValue: services },
        { provide: Receipts, useValue: receipts },
        { provide: Requests, useValue: new Requests(intake, branchId) },
      ],
      imports: [
        CommandRoutes.of(intake, new RemoteOwners(services), ['orders', 'reservations', 'carts', 'customers']),
        ReadRoutes.forwarded(
          (request) => forward.answer(request),
          [...clientReadRoutes.filter((name) => name !== 'inventory'), 'customerList'],
        ),
      ],
    };
  }
}

/**
 * Starts the process. It has no password of a database and needs nobody to sell: brokers, read-services and the head
 * office may be away. What it records is in its own database, from which a relay brings it to the brokers.
 */
export async function startSucursalApi(config: SucursalConfig): Promise<Service> {
  const frame = createFrame(config);
  const { secrets, branchId, branchDir } = config;
  const { log, health } = frame;
  const services = new ReadServices(config.readServices, secrets.tokens.branchKey, log);
  const database = openDatabase(config, log);
  const groups = new RemoteGroups(config.groupIds, services);
  const commands = openIntake(frame, {
    brokers: config.brokers,
    login: secrets.amqp,
    branchId,
    sharedIdKey: sharedIdKeyOf(secrets.tokens),
    reads: groups,
    journal: { outbox: database.outbox, keep: (lane, command) => keep(database, lane, command) },
  });
  const { intake } = commands;
  database.connect({ nextStamp: (key) => intake.nextStamp(key) });
  const revoked = new RevokedSessions(async (afterMs) => {
    const after = Math.max(0, Math.floor(afterMs));
    return (await services.read(`/branch/revoked-sessions?after=${after}`, revokedSessionsSchema)).sessions;
  }, log);
  const readPins = async () => (await services.read('/branch/pins', branchPinsSchema)).pins;
  const pins = await BranchPins.open({ branchId, file: path.join(branchDir, PINS_FILE), readPins, log });
  const printer = config.printer && new ReceiptPrinter(config.printer, log);
  const receipts = new Receipts(database, receiptStyle(config), printer, log);
  const online = new Online(commands.obstacle);
  health.fact('read-service', () => services.state);
  if (printer !== undefined) health.fact('printer', () => printer.state);
  await services.start();
  const headOffice = new RemoteHeadOffice(services, () => groups.groupOf(branchId));
  const feed = new BranchFeed({ database, headOffice, log, fetchSettings: fetchSettingsOf(config) });
  health.fact('head-office', () => feed.fault ?? 'answers');
  await Promise.all([revoked.start(), pins.start()]);
  feed.start();
  return startService(frame, {
    module: SucursalModule.with({ database, intake, services, pins, receipts, online }),
    authorization: authorizationOf(frame, config, {
      branchId,
      revoked: { has: (sessionId) => revoked.has(sessionId) || pins.hasEnded(sessionId) },
      own: { key: pins.publicKey, audience: branchAudience(branchId) },
      onKeys: ({ branchKey }) => services.useKey(branchKey),
    }),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [
      () => feed.stop(),
      async () => online.stop(),
      () => commands.stop(),
      () => revoked.stop(),
      () => pins.stop(),
      () => services.stop(),
      async () => database.close(),
    ],
  });
}

function openDatabase(config: SucursalConfig, log: Log): BranchDatabase {
  const { name, branchId, branchDir, journalMb, receiptSeries, cashRoundingCents, taxBasisPoints } = config;
  try {
    return new BranchDatabase({
      dir: branchDir,
      branchId,
      name,
      limitBytes: journalMb * 1024 * 1024,
      series: receiptSeries,
      coin: cashRoundingCents,
      taxBasisPoints,
      traitsOf: traitsOfCommand,
      log,
    });
  } catch (error) {
    throw error instanceof BranchDatabaseError ? new StartError(error.message) : error;
  }
}

function fetchSettingsOf({ fetchLeastUnits, fetchCoverDays }: SucursalConfig): FetchSettings {
  return { ...FETCH_DEFAULTS, leastUnits: fetchLeastUnits, coverDays: fetchCoverDays };
}

/** Keeps a command that the brokers do not confirm now. An order is a back-order then, and the branch shows it. */
function keep(database: BranchDatabase, lane: string, command: Command): Promise<Appended> {
  if (command.kind === 'order.place') return database.backOrders.keep(lane, command);
  return database.outbox.append({ queue: lane, id: command.id, text: JSON.stringify(command) });
}

function receiptStyle(config: SucursalConfig): PaperStyle {
  return {
    header: config.receiptHeader,
    language: config.receiptLanguage,
    timeZone: config.receiptTimeZone,
    width: config.receiptWidth,
  };
}
