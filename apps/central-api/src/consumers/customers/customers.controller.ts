import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { customerPageSchema, pageQuerySchema } from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { MoreThan } from 'typeorm';
import {
  CONSUMER_ANSWER_HEADERS,
  CONSUMER_PROBLEMS,
  consumerHeadersSchema,
  readConsumerStore,
} from '../consumer-answer.js';
import { CustomersStore } from '../stores.js';
import { CentralCustomer } from './customer.entity.js';
import { customersConsumer } from './customers.consumer.js';

const listCustomers = operation({
  summary: "Central's customers, those of all branches, by id",
  description:
    'From a table that Central maintains from the events of all groups; its position states what has been applied.',
  query: pageQuerySchema,
  headers: consumerHeadersSchema,
  answers: { 200: { description: 'One page', body: customerPageSchema, headers: CONSUMER_ANSWER_HEADERS } },
  problems: CONSUMER_PROBLEMS,
});

@ApiTags('customers')
@Controller('customers')
export class CentralCustomersController {
  constructor(
    private readonly store: CustomersStore,
    private readonly reads: Reads,
  ) {}

  @Get()
  @Operation(listCustomers)
  async list(@Input(listCustomers) { query, headers: asked }: InputOf<typeof listCustomers>): Promise<HttpResponse> {
    const { after, limit } = query;
    const { result, headers } = await readConsumerStore(
      { store: this.store, consumer: customersConsumer, reads: this.reads, headers: asked },
      (manager) =>
        manager.find(CentralCustomer, {
          where: after === undefined ? {} : { customerId: MoreThan(after) },
          order: { customerId: 'ASC' },
          take: limit + 1,
        }),
    );
    const items = result
      .slice(0, limit)
      .map((customer) => ({ ...customer, registeredAt: customer.registeredAt.toISOString() }));
    const next = result.length > limit ? (items.at(-1)?.customerId ?? null) : null;
    return respond(200, { items, next }, headers);
  }
}
