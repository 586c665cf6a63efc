import { Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BranchDatabase, type Frozen, type SaleRefusal, type ShortUnits } from '@eco/branch';
import {
  pageQuerySchema,
  recordSaleRequestSchema,
  salePageSchema,
  salePathSchema,
  saleSchema,
  saleStatsQuerySchema,
  saleStatsSchema,
  voidSaleRequestSchema,
} from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf, type ProblemError } from '@eco/service';
import { Receipts } from '../receipts/receipts.js';
import { Online } from '../status/online.js';
import { readsBranch, readsBranchFigures, sells } from '../till/policies.js';
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
import { saleBody } from './sale-body.js';

const recordSale = operation({
  id: 'recordSale',
  summary: 'Sell at a till',
  description:
    'Recorded in the database of the branch, with a receipt number, whether there is a line to the head office or not. Prices ' +
    'are those of the branch’s catalogue and include the tax. The branch sells only units that it holds. A repeat with ' +
    'the same `Idempotency-Key` returns the same sale. An online branch asks the head office for units that were missing.',
  access: sells,
  headers: recordHeadersSchema,
  body: recordSaleRequestSchema,
  answers: { 201: { description: 'Sold', body: saleSchema, headers: ['Location', ...RECORDED_HEADERS] } },
  problems: [
    'too-little-money',
    'card-exceeds-total',
    'quota-short',
    'product-unknown',
    'till-unknown',
    'till-not-named',
    'shift-unknown',
    'no-open-shift',
    'not-reconciled',
    ...RECORD_PROBLEMS,
  ],
});

const readSale = operation({
  id: 'getSale',
  summary: 'A sale of this branch',
  access: readsBranch,
  path: salePathSchema,
  answers: { 200: { description: 'The sale', body: saleSchema } },
  problems: ['sale-unknown'],
});

const listSales = operation({
  id: 'listSales',
  summary: 'Sales of this branch, the latest first',
  access: readsBranch,
  query: pageQuerySchema,
  examples: { after: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: { 200: { description: 'One page', body: salePageSchema } },
});

const saleStats = operation({
  id: 'getSaleStatistics',
  summary: 'Count, revenue and average of the sales of this branch',
  description: 'Voided sales do not count. Returns are stated apart, because they may be of earlier sales.',
  access: readsBranchFigures,
  query: saleStatsQuerySchema,
  examples: { from: '2026-11-24T00:00:00-06:00', to: '2026-11-25T00:00:00-06:00' },
  answers: { 200: { description: 'The figures', body: saleStatsSchema } },
});

const voidSale = operation({
  id: 'voidSale',
  summary: 'Take back a whole sale',
  description: 'Within the shift that made it. The receipt keeps its number and is marked as void.',
  access: sells,
  path: salePathSchema,
  headers: recordHeadersSchema,
  body: voidSaleRequestSchema,
  answers: { 200: { description: 'Void', body: saleSchema, headers: RECORDED_HEADERS } },
  problems: ['sale-unknown', 'sale-voided', 'sale-returned', 'shift-closed', 'not-reconciled', ...RECORD_PROBLEMS],
});

@ApiTags('sales')
@Controller('sales')
export class SalesController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
    private readonly receipts: Receipts,
    private readonly online: Online,
  ) {}

  @Post()
  @Operation(recordSale)
  async record(@Input(recordSale) request: InputOf<typeof recordSale>): Promise<HttpResponse> {
    const { till, lines, payment, customerId = null, shiftId } = request.body;
    const outcome = await this.database.sales.sell({
      ...this.requests.asked('sale.record', request),
      till: tillOf(this.database, till),
      lines,
      tender: payment,
      customerId,
      shiftId,
    });
    if (outcome.type === 'done' && !outcome.repeated) this.receipts.printSale(outcome.value);
    if (outcome.type === 'refused' && outcome.refusal.reason === 'short') await this.#fetch(outcome.refusal.short);
    return createdOr(outcome, saleProblem, { body: saleBody, location: ({ saleId }) => `/sales/${saleId}` });
  }

  @Get()
  @Operation(listSales)
  list(@Input(listSales) { query: { limit, after } }: InputOf<typeof listSales>) {
    const rows = this.database.sales.page({ limit: limit + 1, before: after });
    return pageOfRows(rows, limit, ({ saleId }) => saleId, saleBody);
  }

  @Get('stats')
  @Operation(saleStats)
  stats(@Input(saleStats) { query: { from, to } }: InputOf<typeof saleStats>) {
    return this.database.sales.stats({ fromAt: from, untilAt: to });
  }

  /** Asks the head office for the missing units: the branch may hold them when the customer comes again. */
  async #fetch(short: readonly ShortUnits[]): Promise<void> {
    if (this.online.since === undefined) return;
    for (const { productId, asked, remaining } of short) {
      await this.database.units.fetch({ productId, quantity: asked - remaining });
    }
  }

  @Get(':saleId')
  @Operation(readSale)
  read(@Input(readSale) { path }: InputOf<typeof readSale>) {
    const sale = this.database.sales.sale(path.saleId);
    if (sale === undefined) throw problem('sale-unknown');
    return saleBody(sale);
  }

  @Post(':saleId/void')
  @Operation(voidSale)
  async void(@Input(voidSale) request: InputOf<typeof voidSale>): Promise<HttpResponse> {
    const { saleId } = request.path;
    const { reason } = request.body;
    const outcome = await this.database.sales.voidSale({
      ...this.requests.asked('sale.void', request),
      saleId,
      reason,
    });
    return doneOr(outcome, ({ reason }) => problem(reason), saleBody);
  }
}

function saleProblem(refusal: Exclude<SaleRefusal, Frozen>): ProblemError {
  switch (refusal.reason) {
    case 'short': {
      const { unknownProducts } = refusal;
      const short = refusal.short.map(({ productId, asked, remaining }) => ({
        productId,
        asked,
        available: remaining,
      }));
      if (short.length === 0) return problem('product-unknown', { members: { unknownProducts } });
      return problem('quota-short', { members: { short, unknownProducts } });
    }
    case 'payment': {
      const { type, ...amounts } = refusal.settlement;
      return problem(type === 'too-little' ? 'too-little-money' : type, { members: amounts });
    }
    case 'no-open-shift':
      return problem('no-open-shift', { detail: 'Open a shift at this till: POST /shifts' });
    case 'till-unknown':
    case 'shift-unknown':
      return problem(refusal.reason);
  }
}
