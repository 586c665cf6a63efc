import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase } from '@eco/branch';
import {
  closeShiftRequestSchema,
  openShiftRequestSchema,
  pageQuerySchema,
  shiftPageSchema,
  shiftPathSchema,
  shiftReportSchema,
} from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { readsBranch, sells } from '../till/policies.js';
import {
  createdOr,
  doneOr,
  RECORD_PROBLEMS,
  RECORDED_HEADERS,
  recordHeadersSchema,
  Requests,
  tillOf,
} from '../till/recorded.js';
import { pageOfRows } from '../till/page-of-rows.js';
import { shiftBody } from './shift-body.js';

const openShift = operation({
  id: 'openShift',
  summary: 'Open a shift at a till',
  description: 'A till has at most one open shift. It sells only in a shift.',
  access: sells,
  headers: recordHeadersSchema,
  body: openShiftRequestSchema,
  answers: { 201: { description: 'Open', body: shiftReportSchema, headers: ['Location', ...RECORDED_HEADERS] } },
  problems: ['till-unknown', 'till-not-named', 'shift-open', ...RECORD_PROBLEMS],
});

const closeShift = operation({
  id: 'closeShift',
  summary: 'Close a shift with the counted cash',
  description: 'Returns the Z report. A sale of the shift that is recorded later stays in it and is marked late.',
  access: sells,
  path: shiftPathSchema,
  headers: recordHeadersSchema,
  body: closeShiftRequestSchema,
  answers: { 200: { description: 'Closed', body: shiftReportSchema, headers: RECORDED_HEADERS } },
  problems: ['shift-unknown', 'shift-closed', 'not-reconciled', ...RECORD_PROBLEMS],
});

const readShift = operation({
  id: 'getShift',
  summary: 'The X report of an open shift, or the Z report of a closed one',
  access: readsBranch,
  path: shiftPathSchema,
  answers: { 200: { description: 'The report', body: shiftReportSchema } },
  problems: ['shift-unknown'],
});

const listShifts = operation({
  id: 'listShifts',
  summary: 'Shifts of this branch, the latest first',
  access: readsBranch,
  query: pageQuerySchema,
  examples: { after: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: { 200: { description: 'One page', body: shiftPageSchema } },
});

@ApiTags('shifts')
@Controller('shifts')
export class ShiftsController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
  ) {}

  @Post()
  @Operation(openShift)
  async open(@Input(openShift) request: InputOf<typeof openShift>): Promise<HttpResponse> {
    const { till, openingCents } = request.body;
    // The shift's id is that of the command that will report its close.
    const outcome = await this.database.shifts.open({
      ...this.requests.asked('shift.close', request),
      till: tillOf(this.database, till),
      openingCents,
    });
    return createdOr(outcome, ({ reason }) => problem(reason), {
      body: shiftBody,
      location: ({ shiftId }) => `/shifts/${shiftId}`,
    });
  }

  @Get()
  @Operation(listShifts)
  list(@Input(listShifts) { query: { limit, after } }: InputOf<typeof listShifts>) {
    const rows = this.database.shifts.page({ limit: limit + 1, before: after });
    return pageOfRows(rows, limit, ({ shiftId }) => shiftId, shiftBody);
  }

  @Get(':shiftId')
  @Operation(readShift)
  read(@Input(readShift) { path }: InputOf<typeof readShift>) {
    const shift = this.database.shifts.shift(path.shiftId);
    if (shift === undefined) throw problem('shift-unknown');
    return shiftBody(shift);
  }

  @Post(':shiftId/close')
  @Operation(closeShift)
  async close(@Input(closeShift) request: InputOf<typeof closeShift>): Promise<HttpResponse> {
    const { shiftId } = request.path;
    const { countedCents } = request.body;
    const outcome = await this.database.shifts.close({
      ...this.requests.asked('shift.close', request),
      shiftId,
      countedCents,
    });
    return doneOr(outcome, ({ reason }) => problem(reason), shiftBody);
  }
}
