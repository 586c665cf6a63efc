import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { customerPageSchema, customerSchema, listQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { wholePart } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { listsCustomers } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { customerOf } from './customer.query.js';
import { customersQuery } from './customers.query.js';

/** One operation of all APIs. Central answers it from its own table. */
export const listCustomers = operation({
  id: 'listCustomers',
  summary: 'The customers of the whole chain, by customer id',
  access: listsCustomers,
  query: listQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'ana' },
  answers: {
    200: {
      description: 'One page',
      body: customerPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

@ApiTags('customers')
@Controller('customers')
export class CustomersController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listCustomers)
  list(@Input(listCustomers) request: InputOf<typeof listCustomers>): Promise<HttpResponse> {
    const options = readOptionsOf(request.headers);
    return answerList(request, customerSchema, options, async ({ after = '', limit }, pageOptions) => {
      const parts = (await this.reads.ofEveryGroup(customersQuery, [after, limit + 1], pageOptions)).map(answered);
      const order = { keyOf: ({ customerId }: { customerId: string }) => [customerId] };
      return pageOf(parts, (rows) => wholePart(rows.map(customerOf)), { limit, order, options: pageOptions });
    });
  }
}
