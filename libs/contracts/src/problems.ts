import { z } from 'zod';

/**
 * RFC 9457 problem types, in one table: the meaning of each status and what a client can do. `type` is
 * `urn:ecomarket:problem:<name>`: a URN, because no web page of ours is certain to be reachable from a branch.
 */
export const problemTypes = {
  'bad-input': { status: 400, title: 'The request does not have the form it must have' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'order-unknown': { status: 404, title: 'There is no such order' },
  'product-unknown': { status: 404, title: 'There is no such product' },
  'location-unknown': { status: 404, title: 'There is no such location' },
  'reservation-unknown': { status: 404, title: 'There is no such reservation' },
  'transfer-unknown': { status: 404, title: 'There is no such transfer' },
  'customer-unknown': { status: 404, title: 'There is no such customer' },
  'command-unknown': { status: 404, title: 'No outcome of this command is known' },
  'method-not-allowed': { status: 405, title: 'This path does not allow that method' },
  'order-rejected': { status: 409, title: 'The order was rejected' },
  'order-too-long': { status: 409, title: 'The order would have too many lines' },
  'order-cancelled': { status: 409, title: 'The order was cancelled before it arrived' },
  'order-not-open': { status: 409, title: 'The order is not waiting to be fulfilled' },
  'order-not-fulfilled': { status: 409, title: 'The order has not been fulfilled' },
  'return-exceeds-order': { status: 409, title: 'The order had fewer units than would be returned' },
  'stock-short': { status: 409, title: 'There are not enough units' },
  'stock-count-stale': { status: 409, title: 'The level is not what the count expects' },
  'reservation-released': { status: 409, title: 'The reservation was released before it arrived' },
  'reservation-over': { status: 409, title: 'The reservation holds nothing any more' },
  'reservation-not-due': { status: 409, title: 'The reservation has time left' },
  'transfer-arrived': { status: 409, title: 'The transfer has arrived already' },
  'cart-full': { status: 409, title: 'The cart holds as many products as it can' },
  'cart-empty': { status: 409, title: 'The cart holds nothing to check out' },
  'customer-exists': { status: 409, title: 'The customer is registered already' },
  'product-exists': { status: 409, title: 'The product exists already' },
  'command-expired': { status: 409, title: 'The command arrived too late and was not carried out' },
  'command-discarded': { status: 409, title: 'The command became a dead letter and an operator discarded it' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'key-conflict': { status: 422, title: 'This Idempotency-Key was used for another request' },
  'dead-letter': { status: 500, title: 'The command could not be processed and is kept for an operator' },
  internal: { status: 500, title: 'The service failed' },
  'not-accepted': { status: 503, title: 'The command was not accepted and was not carried out' },
  'not-done': { status: 503, title: 'The command was not carried out in time and never will be' },
  'acceptance-unknown': { status: 503, title: 'It is not known whether the command was accepted' },
  'not-ready': { status: 503, title: 'The service is not ready' },
  'no-node': { status: 503, title: 'No database node can answer' },
  'not-fresh': { status: 503, title: 'No database node is as fresh as requested' },
  'too-busy': { status: 503, title: 'Too many reports are waiting' },
  'too-slow': { status: 503, title: 'The read exceeded the time limit of a database node' },
  'outcome-unknown': { status: 504, title: 'It is not known yet whether the command was carried out' },
  'position-lost': { status: 410, title: 'What this position names was lost in a failover' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemName = keyof typeof problemTypes;

export const violationSchema = z.object({
  /** Where: a JSON pointer into the body (`/lines/0/quantity`), or `query.limit`, `header.prefer`, `path.orderId`. */
  at: z.string(),
  /** What is wrong; the text names the limit. */
  message: z.string(),
});
export type Violation = z.infer<typeof violationSchema>;

export const problemSchema = z.looseObject({
  type: z.string().meta({ examples: ['urn:ecomarket:problem:bad-input'] }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  /** Every violation of a bad request, not only the first. */
  faults: z.array(violationSchema).optional(),
  correlationId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const PROBLEM_URN = 'urn:ecomarket:problem:';
