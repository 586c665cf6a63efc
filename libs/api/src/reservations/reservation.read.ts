import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { reservationPathSchema, reservationSchema } from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answered, headersOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { isInReach, readsOrders } from '../http/policies.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { reservationOf, reservationQuery } from './reservation.query.js';

const getReservation = operation({
  id: 'getReservation',
  summary: 'One reservation',
  access: readsOrders,
  path: reservationPathSchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'Its current state', body: reservationSchema, headers: READ_ANSWER_HEADERS } },
  problems: ['reservation-unknown', ...READ_PROBLEMS],
});

@ApiTags('reservations')
@Controller('reservations')
export class ReservationController {
  constructor(private readonly reads: Reads) {}

  @Get(':reservationId')
  @Operation(getReservation)
  async get(@Input(getReservation) { path, headers, caller }: InputOf<typeof getReservation>): Promise<HttpResponse> {
    const { reservationId } = path;
    const options = readOptionsOf(headers);
    const read = await this.reads.ofId(reservationId, reservationQuery, [reservationId], options);
    const { rows, source } = answered(read);
    const [row] = rows;
    const reservation = row && reservationOf(row);
    if (reservation === undefined || !isInReach(caller, reservation)) {
      throw problem('reservation-unknown', { headers: headersOf([source], options) });
    }
    return respond(200, reservation, headersOf([source], options));
  }
}
