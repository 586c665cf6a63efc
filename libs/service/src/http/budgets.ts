import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { principalOf } from './authorization.js';
import { problem } from './problem.js';

/*
 * Limits of what one client may use of a process (ADR 0075). A client with a token is counted as its person or program,
 * and a client without one as its address, with other budgets. Each process counts alone.
 */

export interface Budgets {
  /** Most requests of one client in a minute. Further ones get 429. */
  readonly requestsPerMinute: number;
  /** Most requests of one address without a token in a minute. */
  readonly anonymousRequestsPerMinute: number;
  /** Most requests of one client that wait (`Prefer: wait`) at a time. Further ones do not wait. */
  readonly waits: number;
  /** Most waiting requests of one address without a token at a time. */
  readonly anonymousWaits: number;
  /** Most waiting requests of all clients together. */
  readonly totalWaits: number;
}

/**
 * A program of the head office sends up to 2,000 requests a second. A client without a token gets as many as a page for
 * a person needs, because anybody can send such requests: about ten requests a second, and a few that wait.
 */
export const BUDGETS_DEFAULT: Budgets = {
  requestsPerMinute: 120_000,
  anonymousRequestsPerMinute: 600,
  waits: 2_000,
  anonymousWaits: 20,
  totalWaits: 3_000,
};

export type BudgetKind = 'requests' | 'waits';

const MINUTE_MS = 60_000;
/** Most clients whose requests are counted. The client that was idle the longest is forgotten first. */
const CLIENTS_MAX = 20_000;

/** Monitoring requests these paths all the time, and must not be refused. */
const WITHOUT_BUDGET = /^\/(?:health\/|metrics$)/;

export function addBudgets(fastify: FastifyInstance, budgets: Budgets, onExceeded: (kind: BudgetKind) => void): void {
  addWaitBudgets(fastify, budgets, onExceeded);
  // The plugin's own hook on each route needs it to be loaded first, and Nest sets the error handler only later.
  let limit: ReturnType<FastifyInstance['rateLimit']> | undefined;
  fastify.addHook('onRequest', async (request, reply) => {
    if (request.is404 || WITHOUT_BUDGET.test(request.routeOptions.url ?? '')) return;
    limit ??= fastify.rateLimit();
    await limit.call(fastify, request, reply);
  });
  void fastify.register(rateLimit, {
    global: false,
    timeWindow: MINUTE_MS,
    cache: CLIENTS_MAX,
    keyGenerator: (request) => clientOf(request).key,
    max: (request) => (clientOf(request).isAnonymous ? budgets.anonymousRequestsPerMinute : budgets.requestsPerMinute),
    onExceeded: () => onExceeded('requests'),
    errorResponseBuilder: (_request, { max, ttl }) =>
      problem('too-many-requests', {
        detail: `This client has sent its ${max} requests of a minute`,
        headers: { 'Retry-After': String(Math.ceil(ttl / 1000)) },
      }),
    // Each header costs time in every request, and only Retry-After helps a client.
    addHeaders: noHeaders,
    addHeadersOnExceeding: noHeaders,
  });
}

const noHeaders = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
};

interface Client {
  readonly key: string;
  readonly isAnonymous: boolean;
}

/** The client whose budgets a request uses. */
function clientOf(request: FastifyRequest): Client {
  const principal = principalOf(request);
  if (principal !== undefined && principal.role !== 'anonymous')
    return { key: `id ${principal.id}`, isAnonymous: false };
  // All addresses of one IPv6 network (/64) count as one client.
  return { key: normalizeIP(request.ip), isAnonymous: true };
}

/**
 * A waiting request holds a connection and a place among the readers for up to 30 s. Waiting is a preference (RFC 7240,
 * 2): beyond the budget a request is processed as if it had none.
 */
function addWaitBudgets(fastify: FastifyInstance, budgets: Budgets, onExceeded: (kind: BudgetKind) => void): void {
  const waits = new Map<string, number>();
  let total = 0;
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    const { prefer } = request.headers;
    if (prefer === undefined || !/\bwait\b/i.test(prefer.toString())) return done();
    const { key, isAnonymous } = clientOf(request);
    const own = waits.get(key) ?? 0;
    if (own >= (isAnonymous ? budgets.anonymousWaits : budgets.waits) || total >= budgets.totalWaits) {
      delete request.headers.prefer;
      onExceeded('waits');
      return done();
    }
    waits.set(key, own + 1);
    total += 1;
    // The event is emitted once, even if the client disconnects.
    reply.raw.once('close', () => {
      const left = (waits.get(key) ?? 1) - 1;
      if (left === 0) waits.delete(key);
      else waits.set(key, left);
      total -= 1;
    });
    done();
  });
}
