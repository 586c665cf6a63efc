import type { FastifyInstance } from 'fastify';
import type { Violation } from '@eco/contracts';
import type { Health } from './health.js';
import { OPEN } from './http/authorization.js';
import { problem } from './http/problem.js';
import type { Metrics } from './metrics.js';
import { forOperators } from './operators-listener.js';

/**
 * Routes for operators and their tools. They are on Fastify directly, because a process without an API has them too.
 */
export function addOperatorRoutes(
  fastify: FastifyInstance,
  options: { readonly health: Health; readonly metrics: Metrics; readonly stopping: AbortSignal },
): void {
  const { health, metrics, stopping } = options;
  const missing = async (): Promise<Violation[]> =>
    stopping.aborted ? [{ at: 'process', message: 'is stopping' }] : health.missing();
  fastify.get('/health/live', OPEN, () => ({ status: 'live' }));
  // A client does not see the parts of the process and their state.
  fastify.get('/health/ready', OPEN, async () => {
    if ((await missing()).length > 0) throw problem('not-ready');
    return { status: 'ready' };
  });
  fastify.get('/health/ready', { ...OPEN, constraints: forOperators }, async () => {
    const faults = await missing();
    if (faults.length > 0) throw problem('not-ready', { faults });
    return { status: 'ready', ...health.facts };
  });
  fastify.get('/metrics', OPEN, async (_request, reply) => {
    void reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}
