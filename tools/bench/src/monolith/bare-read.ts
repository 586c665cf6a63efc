import Fastify from 'fastify';
import { Pool, type PoolConfig } from 'pg';
import { beProgram } from '../forked-program.js';

/**
 * GET /orders/{id} in its simplest form: the row by its key over a connection pool to one node. No position, no lag, no
 * other node if this one fails: the cost of a read without our guarantees.
 */
const POOL_SIZE = 8;
const ORDER = {
  name: 'order',
  text: `SELECT o.order_id, o.customer_id, o.branch_id, o.status, o.lines, o.total_cents::float8 AS total_cents,
           o.short, o.unknown_products, o.placed_at, o.decided_at
         FROM eco.orders o WHERE o.order_id = $1`,
};

beProgram(async (database: PoolConfig) => {
  const pool = new Pool({ ...database, max: POOL_SIZE });
  const server = Fastify();
  server.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
    const { rows } = await pool.query({ ...ORDER, values: [request.params.id] });
    return rows.length === 0 ? reply.code(404).send() : (rows[0] as object);
  });
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  return Number(port);
});
