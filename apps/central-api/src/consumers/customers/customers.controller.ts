import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { READ_ANSWER_HEADERS, readHeadersSchema } from '@eco/api/reads';
import { Consumers } from '@eco/consumers';
import { customerPageSchema, pageQuerySchema } from '@eco/contracts';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { MoreThan } from 'typeorm';
import { answerFrom, STORE_PROBLEMS } from '../consumer-answer.js';
import { CentralCustomer } from './customer.entity.js';
import { customersConsumer } from './customers.consumer.js';

const listCustomers = operation({
  id: 'listCustomers',
  summary: "Central's customers, those of all branches, by id",
  description:
    'From a table that Central maintains from the events of all groups; its position states what has been applied.',
  access: { manager: 'any' },
  query: pageQuerySchema,
  headers: readHeadersSchema,
  examples: { after: 'ana' },
  answers: { 200: { description: 'One page', body: customerPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: STORE_PROBLEMS,
});

@ApiTags('customers')
@Controller('customers')
export class CentralCustomersController {
  constructor(private readonly consumers: Consumers) {}

  @Get()
  @Operation(listCustomers)
  async list(@Input(listCustomers) { query, headers: asked }: InputOf<typeof listCustomers>): Promise<HttpResponse> {
    const { after, limit } = query;
    const { result, headers } = await answerFrom(this.consumers, customersConsumer, asked, (manager) =>
      manager.getRepository(CentralCustomer).find({
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
