import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { customerPageSchema, customersQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { acceptHeader, answerList, LIST_ANSWER_HEADERS, type Columns } from '../../http/csv.js';
import { mergePage, wholePart } from '../../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../../http/read-answer.js';
import { readerOf, readHeadersSchema } from '../../http/read-request.js';
import { Reads } from '../../reads.js';
import { customerOf, type Customer } from '../customer/customer.query.js';
import { customersOfEmailQuery } from './customers-of-email.query.js';

const listCustomers = operation({
  summary: 'Registered customers with an e-mail address, by customer id',
  description: 'Customers lie on their groups by id, so each group is asked.',
  query: customersQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  answers: {
    200: {
      description: 'One page',
      body: customerPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
    },
  },
  problems: [...READ_PROBLEMS],
});

const columns: Columns<Customer> = {
  customerId: (customer) => customer.customerId,
  name: (customer) => customer.name,
  email: (customer) => customer.email,
  branchId: (customer) => customer.branchId,
  registeredAt: (customer) => customer.registeredAt,
};

@ApiTags('customers')
@Controller('customers')
export class CustomersOfEmailController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listCustomers)
  async list(@Input(listCustomers) request: InputOf<typeof listCustomers>): Promise<Answer> {
    const { after = '', limit, email } = request.query;
    const reader = readerOf(request.headers);
    const parts = (await this.reads.ofEveryGroup(customersOfEmailQuery, [after, limit + 1, email], reader)).map(
      answered,
    );
    const page = mergePage(
      parts.map(({ rows }) => wholePart(rows.map(customerOf))),
      limit,
      { keyOf: ({ customerId }) => [customerId] },
    );
    const sources = parts.map(({ source }) => source);
    return answerList(request, page, columns, headersOf(sources, reader));
  }
}
