import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { CartController } from './queries/cart/cart.controller.js';
import { ChangesController } from './queries/changes/changes.controller.js';
import { CommandController } from './queries/command/command.controller.js';
import { CustomerController } from './queries/customer/customer.controller.js';
import { CustomersOfEmailController } from './queries/customers-of-email/customers-of-email.controller.js';
import { InventoryController } from './queries/inventory/inventory.controller.js';
import { OrderController } from './queries/order/order.controller.js';
import { OrdersController } from './queries/orders/orders.controller.js';
import { ProductController } from './queries/product/product.controller.js';
import { ProductStockController } from './queries/product-stock/product-stock.controller.js';
import { ProductsController } from './queries/products/products.controller.js';
import { ReservationController } from './queries/reservation/reservation.controller.js';
import { TransferController } from './queries/transfer/transfer.controller.js';
import { ReplicationController } from './queries/replication/replication.controller.js';
import { SalesController } from './queries/sales/sales.controller.js';
import { Reads } from './reads.js';

/** Routes by subject; a process mounts those that it serves. */
export const readRoutes = {
  /** GET /orders/{orderId}, GET /orders */
  orders: [OrderController, OrdersController],
  /** GET /products, GET /products/{productId} */
  products: [ProductsController, ProductController],
  /** GET /inventory, GET /inventory/{productId} */
  inventory: [InventoryController, ProductStockController],
  /** GET /reservations/{reservationId} */
  reservations: [ReservationController],
  /** GET /transfers/{transferId} */
  transfers: [TransferController],
  /** GET /customers/{customerId} */
  customers: [CustomerController],
  /** GET /customers?email= */
  customersOfEmail: [CustomersOfEmailController],
  /** GET /carts/{customerId}/items */
  carts: [CartController],
  /** GET /commands/{commandId} */
  commands: [CommandController],
  /** GET /statistics/sales */
  sales: [SalesController],
  /** GET /changes */
  changes: [ChangesController],
  /** GET /replication */
  replication: [ReplicationController],
} as const satisfies Record<string, readonly Type[]>;

export type ReadRoute = keyof typeof readRoutes;

/** Mounts routes on reads that the process starts and stops. */
@Module({})
export class ReadsModule {
  static mount(reads: Reads, routes: readonly ReadRoute[]): DynamicModule {
    return {
      module: ReadsModule,
      controllers: routes.flatMap((route): Type[] => [...readRoutes[route]]),
      providers: [{ provide: Reads, useValue: reads }],
      exports: [Reads],
    };
  }
}
