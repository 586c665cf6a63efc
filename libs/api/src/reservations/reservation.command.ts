import { Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { CallerRole } from '@eco/access';
import {
  createReservationRequestSchema,
  ofCustomerRequestSchema,
  orderConfirmedSchema,
  reservationEndedSchema,
  reservationHeldSchema,
  reservationPathSchema,
  reasonsOf,
  spellingsOf,
} from '@eco/contracts';
import { branchOf, respond, Input, operation, Operation, problem, type HttpResponse, type InputOf } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { isRoutedBy } from '@eco/routing';
import { DECIDED_HEADERS, decidedHeadersSchema, requesterOf } from '../http/commands/command-headers.js';
import { decideNow } from '../http/commands/decide-now.js';
import { DECIDED_PROBLEMS } from '../http/commands/command-response.js';
import { Owners } from '../branch/owners.js';
import { locationOf } from '../http/commands/order-answer.js';
import { refuseForeign } from '../http/commands/own-object.js';
import { changesOrders } from '../http/policies.js';

const create = operation({
  id: 'createReservation',
  summary: 'Hold units for a customer until a given time',
  description:
    'All lines or none, at the prices of now. After `ttlSeconds` the units are free again, unless it is confirmed or ' +
    'released before.',
  access: changesOrders('reservation.create'),
  headers: decidedHeadersSchema,
  body: createReservationRequestSchema,
  answers: { 201: { description: 'Held', body: reservationHeldSchema, headers: ['Location', ...DECIDED_HEADERS] } },
  problems: [...reasonsOf('reservation.create'), ...DECIDED_PROBLEMS],
});
const confirm = operation({
  id: 'confirmReservation',
  summary: 'Turn a reservation into an order',
  description: 'At the reservation’s prices.',
  access: { ...changesOrders('reservation.confirm'), graceful: true },
  path: reservationPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: {
    201: { description: 'Confirmed', body: orderConfirmedSchema, headers: ['Location', ...DECIDED_HEADERS] },
  },
  problems: [...reasonsOf('reservation.confirm'), ...DECIDED_PROBLEMS],
});
const release = operation({
  id: 'releaseReservation',
  summary: 'Release a reservation',
  description: 'If the reservation has not arrived yet, it will hold nothing when it does; `lines` is then absent.',
  access: changesOrders('reservation.release'),
  path: reservationPathSchema,
  headers: decidedHeadersSchema,
  body: ofCustomerRequestSchema,
  answers: { 200: { description: 'Released', body: reservationEndedSchema, headers: DECIDED_HEADERS } },
  problems: [...reasonsOf('reservation.release'), ...DECIDED_PROBLEMS],
});

/** Longest hold that a role may request, s. A customer must not block the stock of a shelf for a day. */
const HOLD_SECONDS_MAX: Partial<Record<CallerRole, number>> = { customer: 900, cashier: 3_600 };

@ApiTags('reservations')
@Controller('reservations')
export class ReservationsController {
  constructor(
    private readonly intake: CommandIntake,
    private readonly owners: Owners,
  ) {}

  @Post()
  @Operation(create)
  async create(@Input(create) { body, ...request }: InputOf<typeof create>): Promise<HttpResponse> {
    const { customerId, lines, ttlSeconds } = body;
    const secondsMax = HOLD_SECONDS_MAX[request.caller.principal.role] ?? Infinity;
    if (ttlSeconds > secondsMax) {
      const message = `must be at most ${secondsMax} for this role`;
      throw problem('forbidden', { faults: [{ at: '/ttlSeconds', message }] });
    }
    const kind = 'reservation.create';
    const id = this.intake.commandId(requesterOf(request), kind, customerId);
    const branchId = branchOf(request.caller, this.intake.branchId);
    const done = await decideNow(this.intake, {
      id,
      kind,
      body: { reservationId: id, customerId, branchId, lines, ttlSeconds },
      ...request,
    });
    return respond(201, done.result, { ...locationOf('reservations', done.result['reservationId']), ...done.headers });
  }

  @Post(':reservationId/confirm')
  @Operation(confirm)
  async confirm(@Input(confirm) { path, body, ...request }: InputOf<typeof confirm>): Promise<HttpResponse> {
    const { reservationId } = path;
    const customerId = customerOf(reservationId, body.customerId);
    await refuseForeign(this.owners, request.caller, 'reservations', reservationId);
    const orderId = this.intake.commandId(requesterOf(request), 'reservation.confirm', customerId);
    const done = await decideNow(this.intake, {
      id: orderId,
      kind: 'reservation.confirm',
      body: { orderId, reservationId, customerId, branchId: branchOf(request.caller, this.intake.branchId) },
      ...request,
    });
    return respond(201, done.result, { ...locationOf('orders', done.result['orderId']), ...done.headers });
  }

  @Post(':reservationId/release')
  @Operation(release)
  async release(@Input(release) { path, body, ...request }: InputOf<typeof release>): Promise<HttpResponse> {
    const { reservationId } = path;
    const customerId = customerOf(reservationId, body.customerId);
    await refuseForeign(this.owners, request.caller, 'reservations', reservationId);
    const kind = 'reservation.release';
    const id = this.intake.commandId(requesterOf(request), kind, customerId);
    const done = await decideNow(this.intake, {
      id,
      kind,
      body: { reservationId, customerId },
      ...request,
    });
    return respond(200, done.result, done.headers);
  }
}

/** The customer as the reservation was made for; its id contains the customer's hash. */
function customerOf(reservationId: string, given: string): string {
  const customerId = spellingsOf(given).find((spelling) => isRoutedBy(reservationId, spelling));
  if (customerId === undefined) throw problem('reservation-unknown');
  return customerId;
}
