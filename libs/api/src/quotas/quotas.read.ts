import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  BRANCH_SILENCE_DAYS_MAX,
  branchIdSchema,
  branchQuotaPageSchema,
  branchQuotaSchema,
  productIdSchema,
  quotasQuerySchema,
  type BranchQuota,
} from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { notAPlace, wholePart } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsBranches } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { quotasQuery, type HolderFacts, type QuotaRow } from './quotas.query.js';

const listQuotas = operation({
  id: 'listQuotas',
  summary: 'Units of branches, by branch and product, as far as the branches have reported',
  description: 'Units on their way, returned, written off and in discrepancy are listed too.',
  access: readsBranches,
  query: quotasQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'sucursal-1/cafe-premium' },
  answers: {
    200: {
      description: 'One page',
      body: branchQuotaPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

@ApiTags('quotas')
@Controller('quotas')
export class QuotasController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listQuotas)
  list(@Input(listQuotas) request: InputOf<typeof listQuotas>): Promise<HttpResponse> {
    const { branchId = null } = request.query;
    return answerList(request, branchQuotaSchema, readOptionsOf(request.headers), async ({ after, limit }, options) => {
      const values = [...placeOf(after), limit + 1, branchId, BRANCH_SILENCE_DAYS_MAX];
      const answers = (await this.reads.ofEveryGroup(quotasQuery, values, options)).map(answered);
      const holders = new Map(answers.flatMap(({ extra }) => extra.holders).map((facts) => [facts[0], facts]));
      const partOf = (rows: readonly QuotaRow[]) =>
        wholePart(rows.map((row) => quotaOf(row, holders.get(row.branch_id))));
      return pageOf(answers, partOf, {
        limit,
        order: { keyOf: ({ branchId: id, productId }) => [id, productId] },
        options,
      });
    });
  }
}

function quotaOf(row: QuotaRow, holder: HolderFacts | undefined): BranchQuota {
  const [, contactMs, isSilent = true, frozenReason = null] = holder ?? [];
  return {
    branchId: row.branch_id,
    productId: row.product_id,
    granted: row.granted,
    spent: row.spent,
    since: row.since?.toISOString() ?? null,
    remaining: row.remaining,
    idleSince: row.idle_since?.toISOString() ?? null,
    inTransit: row.in_transit,
    quarantine: row.quarantine,
    writtenOff: row.written_off,
    discrepancy: row.discrepancy,
    contactAt: contactMs === undefined ? null : new Date(contactMs).toISOString(),
    isSilent,
    frozenReason,
  };
}

function placeOf(after: string | undefined): [branchId: string, productId: string] {
  if (after === undefined) return ['', ''];
  const [branchId = '', productId = '', ...rest] = after.split('/');
  const isPlace = branchIdSchema.safeParse(branchId).success && productIdSchema.safeParse(productId).success;
  if (!isPlace || rest.length > 0) throw notAPlace('<branchId>/<productId>');
  return [branchId, productId];
}
