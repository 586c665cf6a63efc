import Fastify from 'fastify';
import { beProgram } from './forked-program.js';
import { orderRequestSchema } from './order-request.js';

/**
 * POST /orders that checks the body, does nothing and responds 202: this machine's pure HTTP throughput, as a scale.
 */
beProgram(async () => {
  const server = Fastify();
  server.post('/orders', { schema: { body: orderRequestSchema } }, (_request, reply) =>
    reply.code(202).send({ orderId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e', status: 'accepted' }),
  );
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  return Number(port);
});
