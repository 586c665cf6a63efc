import { Module, type DynamicModule } from '@nestjs/common';
import { CartsController } from './carts/carts.controller.js';
import { CommandIntake } from './command-intake.js';
import { RegisterCustomerController } from './customers/register-customer.controller.js';
import { OrderChangesController } from './orders/order-changes.controller.js';
import { PlaceOrderController } from './orders/place-order.controller.js';
import { ReservationsController } from './reservations/reservations.controller.js';
import { TransferArrivalsController } from './transfers/transfer-arrivals.controller.js';

/** Commands that Central and a branch both accept: those of a shop's counter. */
@Module({})
export class IntakeModule {
  static with(intake: CommandIntake): DynamicModule {
    return {
      module: IntakeModule,
      controllers: [
        PlaceOrderController,
        OrderChangesController,
        ReservationsController,
        TransferArrivalsController,
        CartsController,
        RegisterCustomerController,
      ],
      providers: [{ provide: CommandIntake, useValue: intake }],
      exports: [CommandIntake],
    };
  }
}
