import type { QueryRunner } from 'typeorm';
import { migrations } from './index.js';

/** Those before were there before the rules, and have run. */
const FIRST = 1796000000000;
/** Of tables that grow with each command. */
const LARGE = '(eco\\.)?(outcome|outcome_row|orders|movement|movement_row|customer|cart_item)\\b';

const breaches: readonly [what: string, pattern: RegExp][] = [
  ['an index without CONCURRENTLY', new RegExp(`create (unique )?index (?!concurrently)[^;]*\\bon (only )?${LARGE}`)],
  [
    'a constraint without NOT VALID',
    new RegExp(`alter table (only )?${LARGE}(?![^;]*not valid)[^;]*add (constraint|check)`),
  ],
  ['a new type of a column', new RegExp(`alter table (only )?${LARGE}[^;]*alter (column )?\\w+ (set data )?type`)],
  ['SET NOT NULL', new RegExp(`alter table (only )?${LARGE}[^;]*set not null`)],
  [
    'a volatile default',
    new RegExp(`alter table (only )?${LARGE}[^;]*add column[^;]*default (gen_random|random|clock_t|nextval)`),
  ],
];

function breachesIn(sql: string): string[] {
  const plain = sql.replace(/--.*$/gm, '').replace(/\s+/g, ' ').toLowerCase();
  return breaches.filter(([, pattern]) => pattern.test(plain)).map(([what]) => what);
}

const timestampOf = (name: string) => Number(/\d+$/.exec(name)?.[0]);

it.each(migrations.filter(({ name }) => timestampOf(name) >= FIRST).map((each) => [each.name, each] as const))(
  '%s rewrites and scans no large table while others wait',
  async (_name, Migration) => {
    const sql: string[] = [];
    const query = (text: string) => {
      sql.push(text);
      return Promise.resolve([]);
    };
    await new Migration().up({ query } as unknown as QueryRunner);
    expect(sql.flatMap((text) => text.split(';')).flatMap(breachesIn)).toEqual([]);
  },
);

it.each([
  ['CREATE INDEX orders_x ON eco.orders (seq)', 1],
  ['CREATE INDEX CONCURRENTLY orders_x ON eco.orders (seq)', 0],
  ['CREATE INDEX x ON eco.tombstone (at)', 0],
  ['ALTER TABLE eco.orders ADD COLUMN note text, ADD CONSTRAINT a CHECK (note <> $$$$)', 1],
  ['ALTER TABLE eco.orders ADD CONSTRAINT a CHECK (true) NOT VALID', 0],
  ['ALTER TABLE eco.orders VALIDATE CONSTRAINT a', 0],
  ['ALTER TABLE eco.movement\n  ALTER COLUMN n TYPE bigint', 1],
  ['ALTER TABLE eco.movement ALTER COLUMN n SET NOT NULL', 1],
  ['ALTER TABLE eco.outcome ADD COLUMN at timestamptz DEFAULT clock_timestamp()', 1],
  ['ALTER TABLE eco.outcome ADD COLUMN at timestamptz DEFAULT now()', 0],
])('finds in %s what would make others wait: %s', (sql, count) => {
  expect(breachesIn(sql)).toHaveLength(count);
});

it('are in the order of their numbers, so that each comes after those that it was written for', () => {
  const numbers = migrations.map(({ name }) => timestampOf(name));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});
