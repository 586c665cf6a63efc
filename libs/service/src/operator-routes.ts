import type { FastifyInstance } from 'fastify';
import type { Health } from './health.js';
import { problem } from './http/problem.js';
import type { Metrics } from './metrics.js';

/**
 * Routes for operators and their tools. They are on Fastify directly, because a process without an API has them too.
 */
export function addOperatorRoutes(
  fastify: FastifyInstance,
  options: { readonly health: Health; readonly metrics: Metrics; readonly stopping: AbortSignal },
): void {
  const { health, metrics, stopping } = options;
  fastify.get('/health/live', () => ({ status: 'live' }));
  fastify.get('/health/ready', async () => {
    const missing = stopping.aborted ? [{ at: 'process', message: 'is stopping' }] : await health.missing();
    if (missing.length > 0) throw problem('not-ready', { faults: missing });
    return { status: 'ready', ...health.facts };
  });
  fastify.get('/metrics', async (_request, reply) => {
    void reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}
