import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CENTRAL,
  movementsQuerySchema,
  productPathSchema,
  stockMovementPageSchema,
  stockMovementSchema,
} from '@eco/contracts';
import { Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf } from '../http/list.js';
import { notAPlace, wholePart } from '../http/page.js';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsStock } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { movementOf, movementsQuery } from './movements.query.js';

const listMovements = operation({
  id: 'listMovements',
  summary: 'Movements of a product at a location, newest first',
  description:
    'The ledger of a stock level: each movement with its cause, its difference and the level after it. The numbers in ' +
    '`sequence` have no gaps. `GET /commands/{commandId}` returns what a command did. `from` and `to` cut a period out.',
  access: readsStock,
  path: productPathSchema,
  query: movementsQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: '120' },
  answers: {
    200: {
      description: 'One page',
      body: stockMovementPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: ['product-unknown', ...READ_PROBLEMS],
});

@ApiTags('inventory')
@Controller('inventory')
export class MovementsController {
  constructor(private readonly reads: Reads) {}

  @Get(':productId/movements')
  @Operation(listMovements)
  list(@Input(listMovements) request: InputOf<typeof listMovements>): Promise<HttpResponse> {
    const { productId } = request.path;
    const { location = CENTRAL, from = '-infinity', to = 'infinity' } = request.query;
    return answerList(
      request,
      stockMovementSchema,
      readOptionsOf(request.headers),
      async ({ after, limit }, options) => {
        const values = [productId, location, sequenceOf(after), limit + 1, from, to];
        const answer = answered(await this.reads.ofKey(productId, movementsQuery, values, options));
        if (!answer.extra.is_product) {
          throw problem('product-unknown', { headers: headersOf([answer.source], options) });
        }
        return pageOf([answer], (rows) => wholePart(rows.map(movementOf)), {
          limit,
          order: { keyOf: ({ sequence }) => [String(sequence)], descending: true },
          options,
        });
      },
    );
  }
}

/** A number above that of every movement. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

function sequenceOf(after: string | undefined): number {
  if (after === undefined) return AFTER_ALL;
  const sequence = Number(after);
  if (!/^[0-9]+$/.test(after) || !Number.isSafeInteger(sequence)) throw notAPlace('<sequence>');
  return sequence;
}
