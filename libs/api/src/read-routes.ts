import { Module, type DynamicModule, type NestInterceptor, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { from } from 'rxjs';
import { Reads } from '@eco/reads';
import type { HttpResponse } from '@eco/service';
import { CartStamps, NO_COMMANDS } from './carts/cart-stamps.js';
import { CartController } from './carts/cart.read.js';
import { ChangesController } from './changes/changes.read.js';
import { AwaitedCommands } from './http/awaited-commands.js';
import { CommandController } from './commands/command.read.js';
import { CustomerController } from './customers/customer.read.js';
import { CustomersController } from './customers/customers.read.js';
import { CustomersOfEmailController } from './customers/customers-of-email.read.js';
import { InventoryController } from './inventory/inventory.read.js';
import { MovementsController } from './inventory/movements.read.js';
import { ProductStockController } from './inventory/product-stock.read.js';
import { OrderController } from './orders/order.read.js';
import { OrdersController } from './orders/orders.read.js';
import { ProductController } from './products/product.read.js';
import { ProductsController } from './products/products.read.js';
import { ReplicationController } from './replication/replication.read.js';
import { ReservationController } from './reservations/reservation.read.js';
import { ReservationsReadController } from './reservations/reservations.read.js';
import { QuotasController } from './quotas/quotas.read.js';
import { BranchSalesController } from './sales/sales.read.js';
import { SalesController } from './statistics/sales.read.js';
import { TransferController } from './transfers/transfer.read.js';
import { TransfersInTransitController } from './transfers/transfers.read.js';

export { listCustomers } from './customers/customers.read.js';
export { periodOf } from './http/period.js';
export { consumerHeadersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS, retryAfter } from './http/read-answer.js';
export { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS } from './http/list.js';
export { readsStatistics, readsStock } from './http/policies.js';
export { readHeadersSchema, readOptionsOf } from './http/read-request.js';
export { readSettings } from './read-settings.js';
export { figuresOf, SUMS_OF_FIGURES } from './statistics/figures.js';
export { sumsOfChanges, type Sum } from './statistics/sums.query.js';
export { todayOf } from './statistics/today.js';

/** Routes that read, by noun; a process serves those that it names. */
const routes = {
  /** GET /orders/{orderId}, GET /orders */
  orders: [OrderController, OrdersController],
  /** GET /products, GET /products/{productId} */
  products: [ProductsController, ProductController],
  /** GET /inventory */
  inventory: [InventoryController],
  /** GET /inventory/{productId}, GET /inventory/{productId}/movements */
  productStock: [ProductStockController, MovementsController],
  /** GET /reservations, GET /reservations/{reservationId} */
  reservations: [ReservationsReadController, ReservationController],
  /** GET /transfers/{transferId} */
  transfers: [TransferController],
  /** GET /transfers. A branch has a list of its own under this path. */
  transfersInTransit: [TransfersInTransitController],
  /** GET /customers. Central answers it from a table of its own. */
  customerList: [CustomersController],
  /** GET /customers/{customerId} */
  customers: [CustomerController],
  /** POST /customers/search */
  customersOfEmail: [CustomersOfEmailController],
  /** GET /carts/{customerId}/items */
  carts: [CartController],
  /** GET /commands/{commandId} */
  commands: [CommandController],
  /** GET /statistics/sales */
  sales: [SalesController],
  /** GET /quotas */
  quotas: [QuotasController],
  /** GET /sales, GET /sales/{saleId}: of the tills of branches */
  branchSales: [BranchSalesController],
  /** GET /changes */
  changes: [ChangesController],
  /** GET /replication */
  replication: [ReplicationController],
} as const satisfies Record<string, readonly Type[]>;

export type ReadRoute = keyof typeof routes;

/** The nouns that both APIs of the chain read, in the order of their documents. */
export const clientReadRoutes = [
  'orders',
  'products',
  'inventory',
  'productStock',
  'reservations',
  'transfers',
  'customers',
  'customersOfEmail',
  'carts',
  'commands',
  'sales',
] as const satisfies readonly ReadRoute[];

export const allReadRoutes = Object.keys(routes) as readonly ReadRoute[];

/** Serves routes with reads that the process starts and stops. `stamps`: its intake, if it has one. */
@Module({})
export class ReadRoutes {
  static of(reads: Reads, names: readonly ReadRoute[], stamps: CartStamps = NO_COMMANDS): DynamicModule {
    return {
      module: ReadRoutes,
      controllers: names.flatMap((name): Type[] => [...routes[name]]),
      providers: [
        { provide: Reads, useValue: reads },
        { provide: AwaitedCommands, useValue: new AwaitedCommands(reads) },
        { provide: CartStamps, useValue: stamps },
      ],
      exports: [Reads],
    };
  }

  /**
   * Serves the same routes in a process that reads no database. `forward` answers each request before its controller
   * would run, so the controllers only declare the operations.
   */
  static forwarded(forward: (request: FastifyRequest) => Promise<HttpResponse>, names: readonly ReadRoute[]) {
    const controllers = names.flatMap((name): Type[] => [...routes[name]]);
    // Nest runs the interceptor for all routes of the process.
    const interceptor: NestInterceptor = {
      intercept: (context, next) =>
        controllers.includes(context.getClass())
          ? from(forward(context.switchToHttp().getRequest<FastifyRequest>()))
          : next.handle(),
    };
    return {
      module: ReadRoutes,
      controllers,
      providers: [
        { provide: APP_INTERCEPTOR, useValue: interceptor },
        ...[Reads, AwaitedCommands, CartStamps].map((provide) => ({ provide, useValue: {} })),
      ],
    };
  }
}
