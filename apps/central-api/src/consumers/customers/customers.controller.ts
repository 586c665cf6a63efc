import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { answerList, listCustomers, readOptionsOf } from '@eco/api/reads';
import { Consumers } from '@eco/consumers';
import { customerSchema } from '@eco/contracts';
import { Input, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { MoreThan } from 'typeorm';
import { answered } from '../consumer-answer.js';
import { CentralCustomer } from './customer.entity.js';
import { customersConsumer } from './customers.consumer.js';

/** Answers from the table that Central maintains from the events of all groups; the position is that of the table. */
@ApiTags('customers')
@Controller('customers')
export class CentralCustomersController {
  constructor(private readonly consumers: Consumers) {}

  @Get()
  @Operation(listCustomers)
  list(@Input(listCustomers) request: InputOf<typeof listCustomers>): Promise<HttpResponse> {
    const options = readOptionsOf(request.headers);
    return answerList(request, customerSchema, options, async ({ after = '', limit }, pageOptions) => {
      const read = await this.consumers.read(
        customersConsumer,
        (manager) =>
          manager.getRepository(CentralCustomer).find({
            where: { customerId: MoreThan(after) },
            order: { customerId: 'ASC' },
            take: limit + 1,
          }),
        pageOptions,
      );
      const { result, headers } = answered(read);
      const items = result
        .slice(0, limit)
        .map((customer) => ({ ...customer, registeredAt: customer.registeredAt.toISOString() }));
      const next = result.length > limit ? (items.at(-1)?.customerId ?? null) : null;
      return { page: { items, next }, headers };
    });
  }
}
