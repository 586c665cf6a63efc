import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { CommandIntake } from '@eco/intake';
import { Owners } from './branch/owners.js';
import { CartsController } from './carts/cart.command.js';
import { EraseCustomerController } from './customers/erase-customer.command.js';
import { RegisterCustomerController } from './customers/register-customer.command.js';
import { UpdateCustomerController } from './customers/update-customer.command.js';
import { StockController } from './inventory/stock.command.js';
import { OrderChangesController } from './orders/change-order.command.js';
import { PlaceOrderController } from './orders/place-order.command.js';
import { ProductsWriteController } from './products/product.command.js';
import { BranchesController, QuotaController } from './quotas/quota.command.js';
import { ReservationsController } from './reservations/reservation.command.js';
import { TransferArrivalsController } from './transfers/receive-transfer.command.js';
import { TransfersController } from './transfers/transfer.command.js';

/** Routes that become commands. A process serves those that it names. */
const routes = {
  /** POST, PUT and DELETE /products */
  products: [ProductsWriteController],
  /** POST /inventory/{productId}/receipts, …/adjustments, …/counts */
  inventory: [StockController],
  /** POST /transfers, POST /transfers/{transferId}/write-off */
  transfers: [TransfersController],
  /** POST /quotas/{branchId}/{productId}/recall, …/write-off, …/settle, POST /branches/{branchId}/unfreeze */
  quotas: [QuotaController, BranchesController],
  /** POST /orders, POST /orders/{orderId}/cancel, …/fulfil, …/returns */
  orders: [PlaceOrderController, OrderChangesController],
  /** POST /reservations, POST /reservations/{reservationId}/confirm, …/release */
  reservations: [ReservationsController],
  /** POST /transfers/{transferId}/receive */
  receiveTransfers: [TransferArrivalsController],
  /** PUT and DELETE /carts/{customerId}/items, POST /carts/{customerId}/checkout */
  carts: [CartsController],
  /** POST /customers */
  customers: [RegisterCustomerController],
  /** PATCH and DELETE /customers/{customerId} */
  customerChanges: [UpdateCustomerController, EraseCustomerController],
} as const satisfies Record<string, readonly Type[]>;

type CommandRoute = keyof typeof routes;

export const allCommandRoutes = Object.keys(routes) as readonly CommandRoute[];

export { Owners, StoredOwners, type StoredNoun } from './branch/owners.js';

/** Serves command routes, with an intake that the process opens and stops. */
@Module({})
export class CommandRoutes {
  static of(intake: CommandIntake, owners: Owners, names: readonly CommandRoute[]): DynamicModule {
    return {
      module: CommandRoutes,
      controllers: names.flatMap((name): Type[] => [...routes[name]]),
      providers: [
        { provide: CommandIntake, useValue: intake },
        { provide: Owners, useValue: owners },
      ],
      exports: [CommandIntake],
    };
  }
}
