import { consumerHeadersOf, problemOf, readOptionsOf, readHeadersSchema } from '@eco/api/reads';
import type { Consumer, Consumers } from '@eco/consumers';
import { headers, type ProblemName } from '@eco/contracts';
import type { EntityManager } from 'typeorm';

/** Headers and problems of a read from a consumer's schema, for the API document. */
export const consumerHeadersSchema = readHeadersSchema;
export const CONSUMER_ANSWER_HEADERS = [headers.position, headers.source, headers.lagMs];
export const CONSUMER_PROBLEMS = ['no-node', 'not-fresh', 'position-lost'] as const satisfies readonly ProblemName[];

/**
 * The result of a read, and headers with node, lag and position: what the consumer had applied in that snapshot. Throws
 * the problem that states why there is none. `asked` are the headers of the request.
 */
export async function answerFrom<T>(
  consumers: Consumers,
  consumer: Consumer,
  asked: Parameters<typeof readOptionsOf>[0],
  work: (manager: EntityManager) => Promise<T>,
): Promise<{ result: T; headers: Record<string, string> }> {
  const read = await consumers.read(consumer, work, readOptionsOf(asked));
  if (read.type !== 'answer') throw problemOf(read);
  return { result: read.rows, headers: consumerHeadersOf(read) };
}
