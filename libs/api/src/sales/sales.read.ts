import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { reachesObject } from '@eco/access';
import {
  branchSalePageSchema,
  branchSaleSchema,
  branchSalesQuerySchema,
  instantSchema,
  salePathSchema,
  type BranchSale,
} from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { isUuid } from '@eco/routing';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { notAPlace, wholePart, type PageOrder } from '../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsBranches } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { saleOf, saleQuery, salesQuery } from './sales.query.js';

const listSales = operation({
  id: 'listSales',
  summary: 'Sales of the tills of branches, newest first',
  description: 'As far as the branches have sent them. A branch itself shows also those that it has not sent yet.',
  access: readsBranches,
  query: branchSalesQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: {
    after: '2026-11-24T12:00:00.000Z/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
    from: '2026-11-24T00:00:00-06:00',
    to: '2026-11-25T00:00:00-06:00',
  },
  answers: {
    200: {
      description: 'One page',
      body: branchSalePageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

const getSale = operation({
  id: 'getSale',
  summary: 'One sale of a till',
  access: readsBranches,
  path: salePathSchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'Its current state', body: branchSaleSchema, headers: READ_ANSWER_HEADERS } },
  problems: ['sale-unknown', ...READ_PROBLEMS],
});

const newestFirst: PageOrder<BranchSale> = { keyOf: ({ soldAt, saleId }) => [soldAt, saleId], descending: true };

@ApiTags('sales')
@Controller('sales')
export class BranchSalesController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listSales)
  list(@Input(listSales) request: InputOf<typeof listSales>): Promise<HttpResponse> {
    const { branchId = null, from = '-infinity', to = 'infinity' } = request.query;
    return answerList(request, branchSaleSchema, readOptionsOf(request.headers), async ({ after, limit }, options) => {
      const values = [...placeOf(after), limit + 1, from, to, branchId];
      const answers = (await this.reads.ofEveryGroup(salesQuery, values, options)).map(answered);
      return pageOf(answers, (rows) => wholePart(rows.map(saleOf)), { limit, order: newestFirst, options });
    });
  }

  @Get(':saleId')
  @Operation(getSale)
  async get(@Input(getSale) { path, headers, caller }: InputOf<typeof getSale>): Promise<HttpResponse> {
    const options = readOptionsOf(headers);
    const { rows, source } = answered(await this.reads.ofId(path.saleId, saleQuery, [path.saleId], options));
    const [sale] = rows.map(saleOf);
    if (sale === undefined || !reachesObject(caller, { branchIds: [sale.branchId] })) {
      throw problem('sale-unknown', { headers: headersOf([source], options) });
    }
    return respond(200, sale, headersOf([source], options));
  }
}

/** A key that comes before every sale. */
const FIRST = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return FIRST;
  const [soldAt = '', saleId = '', ...rest] = after.split('/');
  const at = instantSchema.safeParse(soldAt).data;
  if (at === undefined || !isUuid(saleId) || rest.length > 0) throw notAPlace('<soldAt>/<saleId>');
  return [at, saleId];
}
