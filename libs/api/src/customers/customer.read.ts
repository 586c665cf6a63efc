import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { customerPathSchema, customerSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { isInReach, readsCustomers } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { customerOf, customerQuery } from './customer.query.js';
import { readOfCustomer } from './spellings.js';

const getCustomer = operation({
  id: 'getCustomer',
  summary: 'One registered customer',
  access: readsCustomers,
  path: customerPathSchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'The customer', body: customerSchema, headers: READ_ANSWER_HEADERS } },
  problems: ['customer-unknown', ...READ_PROBLEMS],
});

@ApiTags('customers')
@Controller('customers')
export class CustomerController {
  constructor(private readonly reads: Reads) {}

  @Get(':customerId')
  @Operation(getCustomer)
  async get(@Input(getCustomer) { path, headers, caller }: InputOf<typeof getCustomer>): Promise<HttpResponse> {
    const options = readOptionsOf(headers);
    const { rows, source } = await readOfCustomer(
      path.customerId,
      'path.customerId',
      async (customerId) => answered(await this.reads.ofKey(customerId, customerQuery, [customerId], options)),
      (read) => read.rows.length > 0,
    );
    const read = headersOf([source], options);
    const [row] = rows;
    const customer = row && customerOf(row);
    if (customer === undefined || !isInReach(caller, customer)) throw problem('customer-unknown', { headers: read });
    return respond(200, customer, read);
  }
}
