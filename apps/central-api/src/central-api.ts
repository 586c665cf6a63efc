import { Module, type DynamicModule } from '@nestjs/common';
import { asyncApiDocument } from '@eco/contracts';
import { createFrame, startService, type Service } from '@eco/service';
import { IntakeModule, openIntake, type CommandIntake } from '@eco/intake';
import { Reads, ReadsModule } from '@eco/reads';
import { ProductsWriteController } from './catalogue/products.controller.js';
import type { CentralConfig } from './config.js';
import { Consumers } from './consumers/consumers.js';
import { StockController } from './inventory/stock.controller.js';
import { TransfersController } from './inventory/transfers.controller.js';

const api = {
  title: 'EcoMarket Central API',
  version: '1',
  description:
    'The head office: takes orders, reservations, carts and customers, keeps the catalogue and the stock, and reads.',
};

@Module({})
class CentralModule {
  static with(intake: CommandIntake, reads: Reads, consumers: Consumers): DynamicModule {
    const intakeModule = IntakeModule.with(intake);
    return {
      module: CentralModule,
      imports: [
        intakeModule,
        ReadsModule.mount(reads, [
          'orders',
          'products',
          'inventory',
          'reservations',
          'transfers',
          'customers',
          'carts',
          'commands',
          'sales',
        ]),
        consumers.module,
      ],
      controllers: [ProductsWriteController, StockController, TransfersController],
    };
  }
}

/**
 * Starts the process. Brokers and databases may be away: it still accepts orders. Throws a `StartError` if its journal,
 * where it would keep them, is not available.
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
    reads,
    journal: { dir: config.journalDir, limitBytes: config.journalMb * 1024 * 1024 },
  });
  const consumers = new Consumers(frame, config, reads);
  await reads.start();
  consumers.start();
  return startService(frame, {
    module: CentralModule.with(commands.intake, reads, consumers),
    api,
    documents: { '/docs/asyncapi.json': () => asyncApiDocument() },
    close: [() => consumers.stop(), () => commands.stop(), async () => reads.stop()],
  });
}
