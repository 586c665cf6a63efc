import type { Pool, PoolClient } from 'pg';
import type { OrderRequest } from '../order-request.js';

/** One order in one transaction, as a careful programmer writes it with one database and nothing else. */

const reserve = {
  name: 'reserve',
  text: `
UPDATE product p SET reserved = p.reserved + $2
WHERE p.product_id = $1 AND p.on_hand - p.reserved >= $2
RETURNING p.price_cents`,
};

const insertOrder = {
  name: 'insert order',
  text: `INSERT INTO orders (customer_id, total_cents) VALUES ($1, $2) RETURNING order_id`,
};

const insertLines = {
  name: 'insert lines',
  text: `
INSERT INTO order_line (order_id, product_id, quantity, unit_price_cents)
SELECT $1, l.* FROM unnest($2::text[], $3::int[], $4::bigint[]) AS l`,
};

export type Placed = { type: 'confirmed'; orderId: string; totalCents: number } | { type: 'short'; productId: string };

export async function placeOrder(pool: Pool, { customerId, lines }: OrderRequest): Promise<Placed> {
  // Two orders that lock the same rows in the same order can't deadlock.
  const inKeyOrder = lines.toSorted((one, other) => (one.productId < other.productId ? -1 : 1));
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const placed = await placeLines(client, customerId, inKeyOrder);
    await client.query(placed.type === 'confirmed' ? 'COMMIT' : 'ROLLBACK');
    client.release();
    return placed;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function placeLines(client: PoolClient, customerId: string, lines: OrderRequest['lines']): Promise<Placed> {
  const prices: number[] = [];
  let totalCents = 0;
  for (const { productId, quantity } of lines) {
    const { rows } = await client.query<{ price_cents: string }>({ ...reserve, values: [productId, quantity] });
    if (rows[0] === undefined) return { type: 'short', productId };
    const priceCents = Number(rows[0].price_cents);
    prices.push(priceCents);
    totalCents += priceCents * quantity;
  }
  const { rows } = await client.query<{ order_id: string }>({ ...insertOrder, values: [customerId, totalCents] });
  const orderId = rows[0]?.order_id ?? '';
  const columns = [lines.map((line) => line.productId), lines.map((line) => line.quantity), prices];
  await client.query({ ...insertLines, values: [orderId, ...columns] });
  return { type: 'confirmed', orderId, totalCents };
}
