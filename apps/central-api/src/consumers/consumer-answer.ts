import { consumerHeadersOf, problemOf, readOptionsOf } from '@eco/api/reads';
import type { Consumer, Consumers } from '@eco/consumers';
import type { ProblemName } from '@eco/contracts';
import type { ConsumerAnswer, ReadFailure } from '@eco/reads';
import type { EntityManager } from 'typeorm';

/** Problems of a read from a consumer's store, for the API document. */
export const STORE_PROBLEMS = ['no-node', 'not-fresh', 'position-lost'] as const satisfies readonly ProblemName[];

/** Reads a consumer's store for a client. `asked` are the headers of the request. */
export async function answerFrom<T>(
  consumers: Consumers,
  consumer: Consumer,
  asked: Parameters<typeof readOptionsOf>[0],
  work: (manager: EntityManager) => Promise<T>,
): Promise<{ result: T; headers: Record<string, string> }> {
  return answered(await consumers.read(consumer, work, readOptionsOf(asked)));
}

/**
 * The rows, and headers with node, lag and position. The position shows the changes that the consumer had applied in
 * that snapshot. Throws the problem that states why there are none.
 */
export function answered<T>(read: ConsumerAnswer<T> | ReadFailure): { result: T; headers: Record<string, string> } {
  if (read.type !== 'answer') throw problemOf(read);
  return { result: read.rows, headers: consumerHeadersOf(read) };
}
