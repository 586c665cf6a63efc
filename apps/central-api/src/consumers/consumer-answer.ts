import { freshnessOf, lagText, problemOf, readOptionsOf, readHeadersSchema } from '@eco/api/reads';
import { hostPort, sleep } from '@eco/base';
import { headers, type ProblemName } from '@eco/contracts';
import { StoreUnavailableError, ValueRefusedError, type Consumer, type ConsumerStore } from '@eco/consumers';
import { problem } from '@eco/service';
import type { Reads } from '@eco/reads';
import { formatPosition } from '@eco/routing';
import type { EntityManager } from 'typeorm';

/** Headers and problems of a read from a consumer's schema, for the API document. */
export const consumerHeadersSchema = readHeadersSchema;
export const CONSUMER_ANSWER_HEADERS = [headers.position, headers.source, headers.lagMs];
export const CONSUMER_PROBLEMS = ['no-node', 'not-fresh', 'position-lost'] as const satisfies readonly ProblemName[];

export interface ConsumerRead {
  readonly store: ConsumerStore;
  readonly consumer: Consumer;
  readonly reads: Reads;
  /** Of the request. */
  readonly headers: Parameters<typeof readOptionsOf>[0];
}

const PAUSE_MS = 50;

/**
 * The result of a read, and headers with node, lag and position: what the consumer had applied in that snapshot. The
 * read waits for a reader's position and greatest lag, as any read does.
 */
export async function readConsumerStore<T>(
  { store, consumer, reads, headers: asked }: ConsumerRead,
  work: (manager: EntityManager) => Promise<T>,
): Promise<{ result: T; headers: Record<string, string> }> {
  const options = readOptionsOf(asked);
  const endMs = performance.now() + Math.max(reads.freshWaitMs, options.waitMs);
  for (;;) {
    const { result, progress, node, role } = await store.read(work).catch((error: unknown) => {
      if (error instanceof ValueRefusedError) {
        throw problem('bad-input', { faults: [{ at: 'query', message: error.message }], cause: error });
      }
      if (!(error instanceof StoreUnavailableError)) throw error;
      throw problem('no-node', { detail: error.message, headers: { [headers.retryAfter]: '1' }, cause: error });
    });
    const freshness = await freshnessOf(reads, consumer.topics, progress, options);
    if (freshness.type === 'fresh') {
      const position = formatPosition(freshness.position);
      return {
        result,
        headers: {
          [headers.source]: `${hostPort(node)} (${role})`,
          [headers.lagMs]: lagText(freshness.lagMs),
          ...(position === '' ? {} : { [headers.position]: position }),
        },
      };
    }
    if (freshness.type !== 'not-fresh' || performance.now() >= endMs) throw problemOf(freshness);
    await sleep(PAUSE_MS);
  }
}
