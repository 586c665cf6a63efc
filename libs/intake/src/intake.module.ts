import { Module, type DynamicModule } from '@nestjs/common';
import { CartsController } from './carts/carts.controller.js';
import { CommandIntake } from './command-intake.js';
import { RegisterCustomerController } from './customers/register-customer.controller.js';
import { PlaceOrderController } from './orders/place-order.controller.js';

/** What Central and a branch both take: orders, carts, customers. */
@Module({})
export class IntakeModule {
  static with(intake: CommandIntake): DynamicModule {
    return {
      module: IntakeModule,
      controllers: [PlaceOrderController, CartsController, RegisterCustomerController],
      providers: [{ provide: CommandIntake, useValue: intake }],
      exports: [CommandIntake],
    };
  }
}
