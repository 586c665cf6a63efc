import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** What nobody should put on a command queue becomes a dead letter with its reason; its neighbours are decided. */
let system: System;
beforeAll(async () => (system = await openSystem()));

type DeadLetter = { command_id: string; reason: string; error_class: string; command: unknown };

async function deadLetters(): Promise<DeadLetter[]> {
  return system.sql<DeadLetter>('SELECT command_id, reason, error_class, command FROM eco.dead_letter');
}

it('keeps a broken message once, however often it comes, and decides the good command beside a bad one', async () => {
  expect(
    (await system.central.post('/products', { productId: 'broken', name: 'P', priceCents: 1, stock: 5 })).status,
  ).toBe(201);
  const marker = `not JSON at all ${Date.now()}`;
  await system.putOnQueue('orders.g1', marker);
  await system.putOnQueue('orders.g1', marker);
  await system.putOnQueue('products.g1', JSON.stringify({ version: 1, commands: [] }));

  const good = {
    id: '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3a21',
    kind: 'product.update',
    stamp: '001795521600000-00000-by-hand',
    sentBy: 'by-hand',
    correlationId: 'by-hand',
    body: { productId: 'broken', name: 'Changed by hand', priceCents: 2 },
  };
  const bad = {
    ...good,
    id: '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3a22',
    body: { productId: 'broken', priceCents: -1, colour: 1 },
  };
  await system.putOnQueue('products.g1', JSON.stringify({ version: 1, commands: [bad, good] }));

  const kept = await eventually('three dead letters', async () => {
    const letters = await deadLetters();
    return letters.length >= 3 && letters;
  });
  expect(kept).toHaveLength(3);
  expect(kept.filter(({ command }) => JSON.stringify(command).includes(marker))).toHaveLength(1);
  const invalid = kept.find(({ command_id }) => command_id === bad.id);
  expect(invalid?.error_class).toBe('invalid');
  for (const fault of ['name', 'priceCents', 'colour']) expect(invalid?.reason).toContain(fault);

  const product = await eventually('the good command is decided', async () => {
    const said = await system.read.get('/products/broken');
    return said.body?.['priceCents'] === 2 && said;
  });
  expect(product.body).toMatchObject({ name: 'Changed by hand' });
});

it('goes on taking and deciding orders', async () => {
  const said = await system.central.post(
    '/orders',
    { customerId: 'gus', lines: [{ productId: 'broken', quantity: 1 }] },
    { prefer: 'wait=30' },
  );
  expect(said.status).toBe(201);
});
