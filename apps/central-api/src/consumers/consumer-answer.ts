import { headers, type ProblemName } from '@eco/contracts';
import { StoreUnavailableError, type ConsumerStore, type EntityManager } from '@eco/database';
import { problem } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';

/** Headers and problems of a read from a consumer's schema, for the API document. */
export const CONSUMER_ANSWER_HEADERS = [headers.position, headers.source];
export const CONSUMER_PROBLEMS = ['no-node'] as const satisfies readonly ProblemName[];

/** What was read, and headers that say where and as of which position: what the consumer had applied in that snapshot. */
export async function readConsumer<T>(
  store: ConsumerStore,
  work: (manager: EntityManager) => Promise<T>,
): Promise<{ result: T; headers: Record<string, string> }> {
  try {
    const { result, progress, node, role } = await store.read(work);
    const positions = progress.filter(({ tag }) => tag !== '').map(({ groupId, ...at }) => ({ group: groupId, ...at }));
    return {
      result,
      headers: {
        [headers.source]: `${node.host}:${node.port} (${role})`,
        ...(positions.length === 0 ? {} : { [headers.position]: formatPosition(positionOf(positions)) }),
      },
    };
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw problem('no-node', { detail: error.message, headers: { [headers.retryAfter]: '1' }, cause: error });
  }
}
