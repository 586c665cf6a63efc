import type { FastifyRequest } from 'fastify';
import { formatTraceParent } from '@eco/base';
import { audienceOf, type Principal } from '@eco/access';
import { retryAfter } from '@eco/api/reads';
import { branchAudience } from '@eco/identity';
import { headers as headerNames, type Problem, type Stamp } from '@eco/contracts';
import { problem, respond, type HttpResponse } from '@eco/service';
import type { LocalReads } from './local-reads.js';
import { NoReadServiceError, type ReadServices } from './read-services.js';

/** Headers of a request that the read-service gets, too. */
const SENT = ['accept', 'prefer', headerNames.position, headerNames.lagMsMax].map((name) => name.toLowerCase());
/** Headers of an answer that the client gets, too. */
const RETURNED = [
  'Content-Type',
  headerNames.position,
  headerNames.source,
  headerNames.lagMs,
  headerNames.stamp,
  headerNames.timeZone,
  headerNames.preferenceApplied,
  headerNames.retryAfter,
  headerNames.link,
];

interface Stamps {
  noteStamp(customerId: string, stamp: Stamp): void;
}

export interface ForwardReadsOptions {
  readonly branchId: string;
  readonly services: ReadServices;
  /** Learns the stamps of the carts that are read. */
  readonly stamps: Stamps;
  /** What the branch itself answers while no read-service does. */
  readonly local: Pick<LocalReads, 'answer'>;
}

/**
 * Answers reads by the read-service. The branch has applied the policy to the caller, and the read-service applies it
 * again. The answer is returned as it is, with its freshness.
 */
export class ForwardReads {
  readonly #services: ReadServices;
  readonly #stamps: Stamps;
  readonly #branchId: string;
  readonly #local: Pick<LocalReads, 'answer'>;

  constructor({ branchId, services, stamps, local }: ForwardReadsOptions) {
    this.#branchId = branchId;
    this.#services = services;
    this.#stamps = stamps;
    this.#local = local;
  }

  /** A read that the branch can answer does not wait for the end of an outage. */
  async answer(request: FastifyRequest): Promise<HttpResponse> {
    const answer = this.#services.isAway ? this.#local.answer(request) : undefined;
    return answer ?? this.#forward(request);
  }

  async #forward(request: FastifyRequest): Promise<HttpResponse> {
    const { status, headers, body } = await this.#answerTo(request);
    const returned = Object.fromEntries(
      RETURNED.flatMap((name) => {
        const value = headers[name.toLowerCase()];
        return value === undefined ? [] : [[name, value.toString()]];
      }),
    );
    const stamp = returned[headerNames.stamp];
    if (stamp !== undefined) this.#stamps.noteStamp((request.params as { customerId: string }).customerId, stamp);
    if (typeof body !== 'string' || status < 400) return respond(status, body, returned);
    // The client gets one correlation id, that of this request.
    const problemBody: Problem = { ...(JSON.parse(body) as Problem), correlationId: request.id };
    return respond(status, JSON.stringify(problemBody), returned);
  }

  async #answerTo(request: FastifyRequest) {
    const sent = Object.fromEntries(
      SENT.flatMap((name) => {
        const value = request.headers[name];
        return value === undefined ? [] : [[name, value.toString()]];
      }),
    );
    const body = request.body === undefined || request.body === null ? undefined : JSON.stringify(request.body);
    try {
      return await this.#services.ask({
        method: request.method === 'POST' ? 'POST' : 'GET',
        path: request.url,
        ...(body !== undefined && { body }),
        headers: {
          ...sent,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          [headerNames.correlationId]: request.id,
          ...(request.trace && { traceparent: formatTraceParent(request.trace) }),
          [headerNames.caller]: this.#caller(request.caller.principal, request.headers.authorization),
        },
      });
    } catch (error) {
      if (!(error instanceof NoReadServiceError)) throw error;
      throw problem('no-node', { detail: error.message, headers: retryAfter, cause: error });
    }
  }

  /**
   * The header `EcoMarket-Caller`. Staff who logged in by PIN have a token that only this branch accepts, so they are
   * stated. Every other token is of the head office, and the read-service verifies it.
   */
  #caller({ id, role }: Principal, authorization: string | undefined): string {
    const token = authorization?.replace(/^Bearer /i, '');
    if (token === undefined) return 'anonymous';
    return audienceOf(token) === branchAudience(this.#branchId) ? `${role} ${id}` : token;
  }
}
