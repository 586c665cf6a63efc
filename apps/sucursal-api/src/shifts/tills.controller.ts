import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase } from '@eco/branch';
import { registerTillRequestSchema, tillEntrySchema, tillListSchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { managesBranch, readsBranch } from '../till/policies.js';
import {
  createdOr,
  neverRefused,
  RECORD_PROBLEMS,
  RECORDED_HEADERS,
  recordHeadersSchema,
  Requests,
} from '../till/recorded.js';

const registerTill = operation({
  id: 'registerTill',
  summary: 'Register a till of this branch, or rename it',
  access: managesBranch,
  headers: recordHeadersSchema,
  body: registerTillRequestSchema,
  answers: { 201: { description: 'Registered', body: tillEntrySchema, headers: ['Location', ...RECORDED_HEADERS] } },
  problems: [...RECORD_PROBLEMS],
});

const listTills = operation({
  id: 'listTills',
  summary: 'The tills of this branch',
  access: readsBranch,
  answers: { 200: { description: 'All of them', body: tillListSchema } },
});

@ApiTags('shifts')
@Controller('tills')
export class TillsController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
  ) {}

  @Post()
  @Operation(registerTill)
  async register(@Input(registerTill) request: InputOf<typeof registerTill>): Promise<HttpResponse> {
    const { till, name } = request.body;
    const outcome = await this.database.shifts.registerTill({
      ...this.requests.asked('branch.report', request),
      till,
      name,
    });
    return createdOr(outcome, neverRefused, { body: (value) => value, location: () => '/tills' });
  }

  @Get()
  @Operation(listTills)
  list(@Input(listTills) _: InputOf<typeof listTills>) {
    return { items: this.database.shifts.tills() };
  }
}
