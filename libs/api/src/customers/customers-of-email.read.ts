import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { customerPageSchema, customerSchema, findCustomersRequestSchema, searchQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { wholePart } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { findsCustomers, isInReach } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { customerOf, type CustomerRow } from './customer.query.js';
import { customersOfEmailQuery } from './customers-of-email.query.js';

const findCustomers = operation({
  id: 'findCustomers',
  summary: 'Registered customers with an e-mail address, by customer id',
  description:
    'The address is in the body, because URLs get into logs. Customers are distributed over groups by id, so each ' +
    'group is queried.',
  access: findsCustomers,
  query: searchQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  body: findCustomersRequestSchema,
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
export class CustomersOfEmailController {
  constructor(private readonly reads: Reads) {}

  @Post('search')
  @Operation(findCustomers)
  find(@Input(findCustomers) request: InputOf<typeof findCustomers>): Promise<HttpResponse> {
    const { caller, body } = request;
    return answerList(
      request,
      customerSchema,
      readOptionsOf(request.headers),
      async ({ after = '', limit }, options) => {
        const values = [after, limit + 1, body.email];
        const parts = (await this.reads.ofEveryGroup(customersOfEmailQuery, values, options)).map(answered);
        const inReach = (rows: readonly CustomerRow[]) =>
          wholePart(rows.map(customerOf).filter((customer) => isInReach(caller, customer)));
        return pageOf(parts, inReach, { limit, order: { keyOf: ({ customerId }) => [customerId] }, options });
      },
    );
  }
}
