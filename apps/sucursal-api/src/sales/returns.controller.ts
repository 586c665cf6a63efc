import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase, type Frozen, type ReturnRefusal } from '@eco/branch';
import { returnSchema, returnUnitsRequestSchema } from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf, type ProblemError } from '@eco/service';
import { sells } from '../till/policies.js';
import {
  createdOr,
  RECORD_PROBLEMS,
  RECORDED_HEADERS,
  recordHeadersSchema,
  Requests,
  tillOf,
} from '../till/recorded.js';

const returnUnits = operation({
  id: 'returnUnits',
  summary: 'Take back units from a customer',
  description:
    'With `saleId` they are of a sale of this branch: the prices are those of the sale, and the units can be sold again. ' +
    'Without it they were sold elsewhere and go into quarantine.',
  access: sells,
  headers: recordHeadersSchema,
  body: returnUnitsRequestSchema,
  answers: { 201: { description: 'Returned', body: returnSchema, headers: ['Location', ...RECORDED_HEADERS] } },
  problems: [
    'sale-unknown',
    'sale-voided',
    'more-than-sold',
    'product-unknown',
    'till-unknown',
    'till-not-named',
    'no-open-shift',
    'not-reconciled',
    ...RECORD_PROBLEMS,
  ],
});

@ApiTags('sales')
@Controller('returns')
export class ReturnsController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
  ) {}

  @Post()
  @Operation(returnUnits)
  async record(@Input(returnUnits) request: InputOf<typeof returnUnits>): Promise<HttpResponse> {
    const { till, saleId = null, lines, reason, refund } = request.body;
    const outcome = await this.database.sales.returnUnits({
      ...this.requests.asked('sale.return', request),
      till: tillOf(this.database, till),
      saleId,
      lines,
      reason,
      refund,
    });
    return createdOr(outcome, returnProblem, {
      body: (returned) => returned,
      location: (returned) => (returned.saleId === null ? '/returns' : `/sales/${returned.saleId}`),
    });
  }
}

function returnProblem(refusal: Exclude<ReturnRefusal, Frozen>): ProblemError {
  switch (refusal.reason) {
    case 'more-than-sold':
      return problem('more-than-sold', { members: { lines: refusal.lines } });
    case 'no-open-shift':
      return problem('no-open-shift', { detail: 'Open a shift at this till: POST /shifts' });
    case 'sale-unknown':
    case 'sale-voided':
    case 'till-unknown':
    case 'product-unknown':
      return problem(refusal.reason);
  }
}
