import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { orderLineSchema, commandLinesSchema, pricedLineSchema } from './order-lines.js';
import { orderCancelledBefore, orderMade } from './orders.js';
import { customerIdSchema, holdSecondsSchema, takenAtSchema, takenBy, uuidSchema } from './primitives.js';
import { timestampSchema } from './times.js';
import { productUnknown } from './products.js';
import { stockShort } from './stock.js';

/** Reservations: units held for a customer until the time to pay is over. */

export const reservationStatusSchema = z.enum(['held', 'confirmed', 'released', 'expired']);
export type ReservationStatus = z.infer<typeof reservationStatusSchema>;

/**
 * Most reservations of one customer that hold units at the same time. A person fills one basket or a few.
 */
export const OPEN_RESERVATIONS_MAX = 20;

/**
 * A hold shorter than this counts as one of this length, s. Otherwise a customer could hold far more units for a short
 * time, and do so again and again.
 */
export const HOLD_SECONDS_COUNTED_MIN = 600;

/**
 * Most units × seconds of one customer's open reservations: 1,000 units for ten minutes, 166 for an hour, 6 for a day.
 * Without this limit, 20 reservations could hold every unit of a chain for a day.
 */
export const UNIT_SECONDS_MAX = 1_000 * HOLD_SECONDS_COUNTED_MIN;

export const reservationHeldSchema = z.object({
  reservationId: uuidSchema,
  status: z.literal('held'),
  /** Lines at the prices that the order will have. */
  lines: z.array(pricedLineSchema),
  totalCents: z.number().int(),
  /** From this time on the reservation holds nothing. */
  expiresAt: timestampSchema,
});
/** `lines`: the freed units. Absent: the release arrived before the reservation. */
export const reservationEndedSchema = z.object({
  reservationId: uuidSchema,
  status: z.enum(['released', 'expired']),
  lines: z.array(orderLineSchema),
});

const reservationUnknown = {
  'reservation-unknown': { status: 404, title: 'There is no such reservation' },
} as const;
const reservationOver = {
  'reservation-over': {
    status: 409,
    title: 'The reservation holds nothing any more',
    details: z.object({
      reservationStatus: reservationStatusSchema,
      /** The order that the reservation became. */
      orderId: uuidSchema.optional(),
    }),
  },
} as const;

export const reservationCommands = {
  /** Holds all lines or none, at the prices of that time. */
  'reservation.create': defineCommand({
    body: commandBody({
      /** Id of the reservation and of the command. Its 12-bit field names the customer's bucket. */
      reservationId: uuidSchema,
      customerId: customerIdSchema,
      branchId: takenAtSchema,
      lines: commandLinesSchema,
      ttlSeconds: holdSecondsSchema,
    }),
    key: 'customerId',
    route: 'counter',
    senders: branches.named,
    topic: 'orders',
    makes: 'reservationId',
    mayWait: false,
    result: reservationHeldSchema,
    change: { 'reservation.created': reservationHeldSchema.extend(takenBy) },
    refusals: {
      ...productUnknown,
      ...stockShort,
      'reservations-too-many': {
        status: 409,
        title: 'The customer has the largest allowed number of open reservations',
        details: z.object({ openMax: z.number().int() }),
      },
      'reservation-too-large': {
        status: 409,
        title: 'The open reservations of the customer would hold too many units for too long',
        /** Units × seconds: allowed, of the open reservations, and of the refused one. */
        details: z.object({
          unitSecondsMax: z.number().int(),
          unitSecondsOpen: z.number().int(),
          unitSecondsAsked: z.number().int(),
        }),
      },
      'reservation-released': { status: 409, title: 'The reservation was released before it arrived' },
    },
  }),
  /** Makes an order of the reservation, at the reservation's prices. */
  'reservation.confirm': defineCommand({
    body: commandBody({
      /** Id of the order and of the command. */
      orderId: uuidSchema,
      reservationId: uuidSchema,
      customerId: customerIdSchema,
      branchId: takenAtSchema,
    }),
    key: 'customerId',
    route: 'counter',
    senders: branches.namedAndOwning,
    topic: 'orders',
    mayWait: false,
    ...orderMade,
    refusals: { ...reservationUnknown, ...reservationOver, ...orderCancelledBefore },
  }),
  /** If the reservation has not arrived yet, a tombstone is left, so that it holds nothing when it does. */
  'reservation.release': defineCommand({
    body: commandBody({ reservationId: uuidSchema, customerId: customerIdSchema }),
    key: 'customerId',
    route: 'counter',
    senders: branches.owning,
    topic: 'orders',
    mayWait: false,
    result: reservationEndedSchema,
    change: { 'reservation.released': reservationEndedSchema.extend(takenBy) },
    refusals: { ...reservationUnknown, ...reservationOver },
  }),
  /** The batch that finds a due reservation creates this command itself; no client needs to send it. */
  'reservation.expire': defineCommand({
    body: commandBody({ reservationId: uuidSchema, customerId: customerIdSchema }),
    key: 'customerId',
    route: 'counter',
    senders: 'nobody',
    topic: 'orders',
    mayWait: false,
    result: reservationEndedSchema,
    change: { 'reservation.expired': reservationEndedSchema.extend(takenBy) },
    refusals: {
      ...reservationUnknown,
      ...reservationOver,
      'reservation-not-due': { status: 409, title: 'The reservation is not due yet' },
    },
  }),
};
