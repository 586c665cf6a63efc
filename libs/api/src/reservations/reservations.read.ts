import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CENTRAL,
  reservationPageSchema,
  reservationSchema,
  reservationsQuerySchema,
  spellingsOf,
  timestampSchema,
} from '@eco/contracts';
import { Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads, type ReadOptions } from '@eco/reads';
import { isUuid } from '@eco/routing';
import { acceptHeader, answerList, AS_CSV, LIST_ANSWER_HEADERS, pageOf, type PageStart } from '../http/list.js';
import { notAPlace, type Part } from '../http/page.js';
import { answered, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readsOrders } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import {
  heldOfCustomerQuery,
  heldReservationsQuery,
  reservationOf,
  HOLDS_LOOKED_AT_MAX,
  type HeldRow,
} from './reservation.query.js';

const listReservations = operation({
  id: 'listReservations',
  summary: 'Reservations that are held, the next to expire first',
  description:
    'Of the chain, of a branch, of a customer, or of a customer at a branch. Those that ended are read by their id. A page of a ' +
    `branch looks at ${HOLDS_LOOKED_AT_MAX} held lines a group at the most, so it may have fewer than its limit, ` +
    'even none, and still a next one.',
  access: readsOrders,
  query: reservationsQuerySchema,
  headers: readHeadersSchema.extend(acceptHeader),
  examples: { after: '2026-11-24T12:00:00.000000Z/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' },
  answers: {
    200: {
      description: 'One page',
      body: reservationPageSchema,
      headers: [...READ_ANSWER_HEADERS, ...LIST_ANSWER_HEADERS],
      alsoAs: AS_CSV,
    },
  },
  problems: [...READ_PROBLEMS],
});
type Query = InputOf<typeof listReservations>['query'];

@ApiTags('reservations')
@Controller('reservations')
export class ReservationsReadController {
  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listReservations)
  list(@Input(listReservations) request: InputOf<typeof listReservations>): Promise<HttpResponse> {
    const { query } = request;
    return answerList(request, reservationSchema, readOptionsOf(request.headers), async (place, options) => {
      const answers = (await this.#read(query, place, options)).map(answered);
      const { limit } = place;
      const { page, headers } = pageOf(answers, (rows) => partOf(rows, query.branchId), {
        limit,
        order: { keyOf: placeIn },
        options,
      });
      return { page: { ...page, items: page.items.map(reservationOf) }, headers };
    });
  }

  #read({ customerId, branchId }: Query, { after, limit }: PageStart, options: ReadOptions) {
    const values = [...placeOf(after), limit + 1, branchId ?? null];
    if (customerId === undefined) return this.reads.ofEveryGroup(heldReservationsQuery, values, options);
    return Promise.all(
      spellingsOf(customerId).map((id) => this.reads.ofKey(id, heldOfCustomerQuery, [...values, id], options)),
    );
  }
}

const placeIn = ({ expiry, reservation_id }: HeldRow): string[] => [expiry, reservation_id];

function partOf(rows: readonly HeldRow[], branchId: string | undefined): Part<HeldRow> {
  const last = rows.at(-1);
  return {
    items: rows.filter((row) => branchId === undefined || (row.branch_id ?? CENTRAL) === branchId),
    lookedTo: last?.nth === HOLDS_LOOKED_AT_MAX ? placeIn(last) : null,
  };
}

/** A key that comes before every reservation. */
const FIRST = ['-infinity', '00000000-0000-0000-0000-000000000000'];

function placeOf(after: string | undefined): string[] {
  if (after === undefined) return FIRST;
  const [expiry = '', reservationId = '', ...rest] = after.split('/');
  if (!timestampSchema.safeParse(expiry).success || !isUuid(reservationId) || rest.length > 0) {
    throw notAPlace('<expiresAt>/<reservationId>');
  }
  return [expiry, reservationId];
}
