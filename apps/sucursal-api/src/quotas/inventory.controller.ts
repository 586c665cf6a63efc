import { Controller, Get, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  acceptHeader,
  answerList,
  AS_CSV,
  LIST_ANSWER_HEADERS,
  READ_ANSWER_HEADERS,
  READ_PROBLEMS,
} from '@eco/api/reads';
import { readHeadersSchema, readOptionsOf, readsStock } from '@eco/api/reads';
import { BranchDatabase, type QuotaRow } from '@eco/branch';
import {
  countUnitsRequestSchema,
  giveBackRequestSchema,
  givenBackSchema,
  headers as headerNames,
  inventoryQuerySchema,
  productPathSchema,
  quotaLevelSchema,
  quotaPageSchema,
  unitCountSchema,
} from '@eco/contracts';
import { formatPosition } from '@eco/routing';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { ForwardReads } from '../read-service/forward-reads.js';
import { localHeaders } from '../read-service/local-reads.js';
import { managesBranch } from '../till/policies.js';
import { doneOr, RECORD_PROBLEMS, RECORDED_HEADERS, recordHeadersSchema, Requests } from '../till/recorded.js';
import { pageOfRows } from '../till/page-of-rows.js';

const listInventory = operation({
  id: 'listInventory',
  summary: 'Units that this branch holds and may sell, by product',
  description:
    'From the database of the branch, also without a line to the head office. With another `location` it is answered by the ' +
    'head office, as `GET /inventory` of Central is.',
  access: readsStock,
  query: inventoryQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'azucar', location: 'sucursal-1' },
  answers: {
    200: {
      description: 'One page',
      body: quotaPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

const countUnits = operation({
  id: 'countUnits',
  summary: 'Count the units of a product at this branch',
  description:
    'What is missing or found is corrected with the reason, here at once and at the head office when it learns of it.',
  access: managesBranch,
  path: productPathSchema,
  headers: recordHeadersSchema,
  body: countUnitsRequestSchema,
  answers: { 200: { description: 'Counted', body: unitCountSchema, headers: RECORDED_HEADERS } },
  problems: ['product-unknown', 'not-reconciled', ...RECORD_PROBLEMS],
});

const giveBack = operation({
  id: 'giveBackUnits',
  summary: 'Give units back to the head office',
  access: managesBranch,
  path: productPathSchema,
  headers: recordHeadersSchema,
  body: giveBackRequestSchema,
  answers: { 200: { description: 'Returned to the head office', body: givenBackSchema, headers: RECORDED_HEADERS } },
  problems: ['quota-short', 'not-reconciled', ...RECORD_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class BranchInventoryController {
  constructor(
    private readonly database: BranchDatabase,
    private readonly requests: Requests,
    private readonly forward: ForwardReads,
  ) {}

  @Get()
  @Operation(listInventory)
  async list(
    @Input(listInventory) request: InputOf<typeof listInventory>,
    @Req() raw: FastifyRequest,
  ): Promise<HttpResponse> {
    const { branchId } = this.database;
    const { location = branchId, availableMax } = request.query;
    if (location !== branchId) return this.forward.answer(raw);
    const levelOf = ({ productId, name, priceCents, granted, spent, remaining }: QuotaRow) => ({
      ...{ productId, location, onHand: remaining, reserved: 0, available: remaining },
      ...{ name, priceCents, granted, spent, remaining },
    });
    return answerList(request, quotaLevelSchema, readOptionsOf(request.headers), async ({ after, limit }) => {
      const rows = this.database.catalogue.page({ after, limit: limit + 1, remainingMax: availableMax });
      return {
        page: pageOfRows(rows, limit, ({ productId }) => productId, levelOf),
        headers: { ...localHeaders(branchId), ...positionCarried(request.headers) },
      };
    });
  }

  @Post(':productId/counts')
  @Operation(countUnits)
  async count(@Input(countUnits) request: InputOf<typeof countUnits>): Promise<HttpResponse> {
    const { productId } = request.path;
    const { counted, reason } = request.body;
    const outcome = await this.database.units.count({
      ...this.requests.asked('quota.count', request),
      productId,
      counted,
      reason,
    });
    return doneOr(
      outcome,
      ({ reason: why }) => problem(why),
      (value) => value,
    );
  }

  @Post(':productId/give-back')
  @Operation(giveBack)
  async giveBack(@Input(giveBack) request: InputOf<typeof giveBack>): Promise<HttpResponse> {
    const { productId } = request.path;
    const { quantity } = request.body;
    const outcome = await this.database.units.giveBack({
      ...this.requests.asked('quota.give-back', request),
      productId,
      quantity,
    });
    return doneOr(
      outcome,
      ({ remaining }) =>
        problem('quota-short', {
          members: { short: [{ productId, asked: quantity, available: remaining }], unknownProducts: [] },
        }),
      () => ({ productId, quantity }),
    );
  }
}

/** What a reader has seen of the head office is neither more nor less after a read of the branch. */
function positionCarried(headers: InputOf<typeof listInventory>['headers']): Record<string, string> {
  const position = headers[POSITION];
  return position === undefined ? {} : { [headerNames.position]: formatPosition(position) };
}

const POSITION = 'ecomarket-position';
