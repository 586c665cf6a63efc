import { SideConnection } from '@eco/postgres';
import { BatchWriter, commandOf, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { movementOf, movementsQuery } from './movements.query.js';

/*
 * Goal: pages and periods of movements have exactly the movements that `eco.movement` shows, which lists them one by one.
 * Batches with several movements of a level store them in one row, so pages end and begin inside of rows.
 */

const ALWAYS = ['-infinity', 'infinity'] as const;
const LAST = Number.MAX_SAFE_INTEGER;

let group: DatabaseGroup;
let writer: BatchWriter;
let reader: SideConnection;

type Movement = ReturnType<typeof movementOf>;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  writer = await BatchWriter.open(group);
  reader = new SideConnection(group.servers[0]!, group.login('eco_reader'), 'spec');
  for (const productId of ['sugar', 'tea', 'tea-2']) {
    await writer.write(commandOf('product.create', { productId, name: productId, priceCents: 320, stock: 5 }));
  }
  for (const count of [1, 4, 1, 1, 7, 2, 3]) {
    const ofEach = ['sugar', 'tea', 'tea-2'].flatMap((productId) =>
      Array.from({ length: count }, (_, index) =>
        index % 3 === 2
          ? commandOf('stock.adjust', { productId, location: 'central', delta: -1, reason: 'broken' })
          : commandOf('stock.receive', { productId, location: 'central', quantity: index + 1 }),
      ),
    );
    await writer.write(...ofEach);
  }
}, 120_000);
afterAll(async () => {
  reader?.close();
  await writer?.close();
  await group?.stop();
});

type Row = Parameters<typeof movementOf>[0] & { found: true | null; is_product: boolean };

/** Movements of tea at central, as the query returns them. */
async function read(
  before: number,
  limit: number,
  [from, to]: readonly [string, string] = ALWAYS,
): Promise<Movement[]> {
  const values = ['tea', 'central', before, limit, from, to];
  const rows = await reader.ask<Row & Record<string, unknown>>(movementsQuery.statement.text, values, 10_000);
  return rows.filter(({ found }) => found).map(movementOf);
}

/** The same, from the view. */
async function expectedMovements(): Promise<Movement[]> {
  const rows = await reader.ask<Row & Record<string, unknown>>(
    `SELECT m.product_id, m.location, m.sequence::float8 AS sequence, m.at, m.command_id, m.movement,
            m.on_hand_delta::float8 AS on_hand_delta, m.reserved_delta::float8 AS reserved_delta,
            m.on_hand::float8 AS on_hand, m.reserved::float8 AS reserved
     FROM eco.movement m WHERE m.product_id = 'tea' AND m.location = 'central' ORDER BY m.sequence DESC`,
    [],
    10_000,
  );
  return rows.map(movementOf);
}

it('returns every movement once, newest first, whatever the size of the page', async () => {
  const expected = await expectedMovements();
  expect(expected.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index));
  for (const limit of [1, 2, 3, 5, 19, 20, 100]) {
    const pages: Movement[] = [];
    for (let before = LAST; ;) {
      const page = await read(before, limit);
      expect(page.length).toBeLessThanOrEqual(limit);
      const last = page.at(-1);
      if (last === undefined) break;
      pages.push(...page);
      before = last.sequence;
    }
    expect(pages).toEqual(expected);
  }
});

it('returns the movements of a period, which includes its start and not its end', async () => {
  const expected = await expectedMovements();
  const times = [...ALWAYS, '2000-01-01T00:00:00.000Z', ...new Set(expected.map(({ at }) => at))];
  expect(times.length).toBeGreaterThan(8);
  for (const from of times) {
    for (const to of times) {
      const within = expected.filter(
        ({ at }) =>
          (from === '-infinity' || (from !== 'infinity' && at >= from)) &&
          (to === 'infinity' || at < to) &&
          to !== '-infinity',
      );
      expect([from, to, await read(LAST, 100, [from, to])]).toEqual([from, to, within]);
      expect([from, to, await read(10, 3, [from, to])]).toEqual([
        from,
        to,
        within.filter(({ sequence }) => sequence < 10).slice(0, 3),
      ]);
    }
  }
});
