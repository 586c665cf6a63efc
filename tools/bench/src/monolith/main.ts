import Fastify from 'fastify';
import { Pool } from 'pg';
import { beProgram } from '../forked-program.js';
import { orderRequestSchema, type OrderRequest } from '../order-request.js';
import type { MonolithLogin } from './monolith-database.js';
import { placeOrder } from './place-order.js';

export interface MonolithSettings {
  readonly database: MonolithLogin;
  /** Connections. */
  readonly poolSize: number;
}

const answers = {
  201: {
    type: 'object',
    properties: { orderId: { type: 'string' }, status: { type: 'string' }, totalCents: { type: 'integer' } },
  },
};

beProgram(async ({ database, poolSize }: MonolithSettings) => {
  const pool = new Pool({ ...database, max: poolSize });
  const server = Fastify();
  server.post<{ Body: OrderRequest }>(
    '/orders',
    { schema: { body: orderRequestSchema, response: answers } },
    async ({ body }, reply) => {
      const placed = await placeOrder(pool, body);
      if (placed.type === 'short') return reply.code(409).send({ status: 'rejected', short: placed.productId });
      const { orderId, totalCents } = placed;
      return reply.code(201).send({ orderId, status: 'confirmed', totalCents });
    },
  );
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  return Number(port);
});
