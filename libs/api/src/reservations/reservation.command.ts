import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  createReservationRequestSchema,
  ofCustomerRequestSchema,
  orderConfirmedSchema,
  reservationEndedSchema,
  reservationHeldSchema,
  reservationPathSchema,
  reasonsOf,
} from '@eco/contracts';
import { respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { isRoutedBy } from '@eco/routing';
import { decidedHeadersSchema, DECIDED_HEADERS } from '../http/commands/command-headers.js';
import { decideNow } from '../http/commands/decide-now.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';

const create = operation({
  summary: 'Hold units for a customer until a given time',
  description:
    'All lines or none, at the prices of now. After `ttlSeconds` the units are free again, unless it is confirmed or ' +
    'released before.',
  headers: decidedHeadersSchema,
  body: createReservationRequestSchema,
  answers: { 201: { description: 'Held', body: reservationHeldSchema, headers: ['Location', ...DECIDED_HEADERS] } },
  problems: [...reasonsOf('reservation.create'), ...DECIDED_PROBLEMS],
});
const confirm = operation({
  summary: 'Turn a reservation into an order',
  description: 'At the reservation’s prices.',
  path: reservationPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: {
    201: { description: 'Confirmed', body: orderConfirmedSchema, headers: ['Location', ...DECIDED_HEADERS] },
  },
  problems: [...reasonsOf('reservation.confirm'), ...DECIDED_PROBLEMS],
});
const release = operation({
  summary: 'Release a reservation',
  description: 'If the reservation has not arrived yet, it will hold nothing when it does; `lines` is then absent.',
  path: reservationPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: { 200: { description: 'Released', body: reservationEndedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('reservation.release'), ...DECIDED_PROBLEMS],
});

@ApiTags('reservations')
@Controller('reservations')
export class ReservationsController {
  constructor(private readonly intake: CommandIntake) {}

  @Post()
  @Operation(create)
  async create(@Input(create) { headers, body, correlationId }: InputOf<typeof create>): Promise<HttpResponse> {
    const { customerId, lines, ttlSeconds } = body;
    const kind = 'reservation.create';
    const id = this.intake.commandId(kind, customerId, headers['idempotency-key']);
    const { branchId } = this.intake;
    const done = await decideNow(this.intake, {
      id,
      kind,
      body: { reservationId: id, customerId, branchId, lines, ttlSeconds },
      headers,
      correlationId,
    });
    return respond(201, done.result, { Location: `/reservations/${id}`, ...done.headers });
  }

  @Post(':reservationId/confirm')
  @Operation(confirm)
  async confirm(
    @Input(confirm) { path, headers, body, correlationId }: InputOf<typeof confirm>,
  ): Promise<HttpResponse> {
    const { reservationId } = path;
    const { customerId } = body;
    if (!isRoutedBy(reservationId, customerId)) throw problem('reservation-unknown');
    const orderId = this.intake.orderId(customerId, headers['idempotency-key']);
    const done = await decideNow(this.intake, {
      id: orderId,
      kind: 'reservation.confirm',
      body: { orderId, reservationId, customerId, branchId: this.intake.branchId },
      headers,
      correlationId,
    });
    return respond(201, done.result, { Location: `/orders/${orderId}`, ...done.headers });
  }

  @Post(':reservationId/release')
  @Operation(release)
  async release(
    @Input(release) { path, headers, body, correlationId }: InputOf<typeof release>,
  ): Promise<HttpResponse> {
    const { reservationId } = path;
    const { customerId } = body;
    if (!isRoutedBy(reservationId, customerId)) throw problem('reservation-unknown');
    const kind = 'reservation.release';
    const id = this.intake.commandId(kind, customerId, headers['idempotency-key']);
    const done = await decideNow(this.intake, {
      id,
      kind,
      body: { reservationId, customerId },
      headers,
      correlationId,
    });
    return respond(200, done.result, done.headers);
  }
}
