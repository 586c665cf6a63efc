import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { locationSchema, transferPageSchema, transferSchema, transfersQuerySchema } from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { isUuid } from '@eco/routing';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { notAPlace, wholePart } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsTransfers } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { transferOf, transfersInTransitQuery } from './transfer.query.js';

const listTransfers = operation({
  id: 'listTransfersInTransit',
  summary: 'Transfers in transit, by destination',
  description:
    'Units that have left one location and have not arrived at another: what people sent, and what the head office granted to ' +
    'a branch. With `location`, those that go there or come from there.',
  access: readsTransfers,
  query: transfersQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: 'sucursal-1/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: {
    200: {
      description: 'One page',
      body: transferPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});

@ApiTags('transfers')
@Controller('transfers')
export class TransfersInTransitController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listTransfers)
  list(@Input(listTransfers) request: InputOf<typeof listTransfers>): Promise<HttpResponse> {
    const { location = null, productId = null } = request.query;
    return answerList(request, transferSchema, readOptionsOf(request.headers), async ({ after, limit }, options) => {
      const values = [...placeOf(after), limit + 1, location, productId];
      const parts = (await this.reads.ofEveryGroup(transfersInTransitQuery, values, options)).map(answered);
      return pageOf(parts, (rows) => wholePart(rows.map(transferOf)), {
        limit,
        order: { keyOf: ({ to, transferId }) => [to, transferId] },
        options,
      });
    });
  }
}

/** A key that comes before every transfer. */
const FIRST = ['', '00000000-0000-0000-0000-000000000000'];

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return FIRST;
  const [to = '', transferId = '', ...rest] = after.split('/');
  if (!locationSchema.safeParse(to).success || !isUuid(transferId) || rest.length > 0) {
    throw notAPlace('<to>/<transferId>');
  }
  return [to, transferId];
}
