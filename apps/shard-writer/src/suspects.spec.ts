import fc from 'fast-check';
import type { SuspectSet } from '@eco/database';
import type { Arrived } from '@eco/domain';
import { Suspects, TRIES_MAX, type Part } from './suspects.js';

/*
 * A model of reigns: what arrives is divided and tried part by part, with the rows kept as the database would; a part that
 * holds a deadly command ends the reign, and everything that is not settled comes again. A reign may also be ended by
 * somebody else, at any moment.
 */

const arrivedOf = (id: string) => ({ readable: false, commandId: id }) as Arrived;

interface World {
  rows: Map<string, SuspectSet>;
  settled: Set<string>;
  parked: Set<string>;
  tried: Map<string, number>;
}

/** True: the reign ended over a deadly command, or was ended before `stopAfter` parts. */
function reign(world: World, ids: string[], deliveries: number, deadly: ReadonlySet<string>, stopAfter = Infinity) {
  const suspects = new Suspects([...world.rows.values()]);
  const division = suspects.divide(
    ids.map(arrivedOf),
    ids.map(() => deliveries),
  );
  const store = (set: SuspectSet) => world.rows.set(set.suspectId, set);
  division.removed.forEach((id) => world.rows.delete(id));
  division.stored.forEach(store);
  const { parts } = division;
  expect(parts.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual(ids.map((_, index) => index));
  for (const [number, part] of parts.entries()) {
    if (number >= stopAfter) return true;
    const row = suspects.begin(part);
    if (row !== undefined) store(row);
    const here = part.indices.map((index) => ids[index] as string);
    if (part.isOver) here.forEach((id) => world.parked.add(id));
    else {
      if (here.length === 1) world.tried.set(here[0] as string, (world.tried.get(here[0] as string) ?? 0) + 1);
      if (here.some((id) => deadly.has(id))) return true;
      here.forEach((id) => world.settled.add(id));
    }
    suspects.settled(part);
    if (part.suspect !== undefined) world.rows.delete(part.suspect.suspectId);
  }
  return false;
}

const newWorld = (): World => ({ rows: new Map(), settled: new Set(), parked: new Set(), tried: new Map() });
const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);

it('divides nothing while nothing came three times', () => {
  const division = new Suspects([]).divide(['a', 'b'].map(arrivedOf), [0, 1]);
  expect(division).toEqual({ parts: [{ indices: [0, 1] }], removed: [], stored: [] });
});

it('settles all good commands and parks the deadly ones alone, in however small pieces they come', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.uniqueArray(fc.nat(59), { maxLength: 3 }),
      fc.array(fc.record({ at: fc.nat(60), stopAfter: fc.nat(6) }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 60 }),
      (count, deadlyAt, ends, pieces) => {
        const ids = idsOf(count);
        const deadly = new Set(ids.filter((_, index) => deadlyAt.includes(index)));
        const world = newWorld();
        // At most: three deliveries before anything is suspected, then halves of each deadly one's set, then it alone.
        const limit = ends.length + 3 + 3 * (Math.ceil(Math.log2(count + 1)) + TRIES_MAX + 2) * (1 + count / pieces);
        let reigns = 0;
        for (; world.settled.size + world.parked.size < count; reigns += 1) {
          if (reigns > limit) throw new Error(`not settled after ${reigns} reigns: ${JSON.stringify([...world.rows])}`);
          const end = ends[reigns];
          const open = ids.filter((id) => !world.settled.has(id) && !world.parked.has(id));
          for (let from = 0; from < open.length; from += pieces) {
            const ended = reign(world, open.slice(from, from + pieces), reigns, deadly, end?.stopAfter);
            if (ended) break;
          }
        }
        expect(world.parked).toEqual(deadly);
        for (const id of deadly) expect(world.tried.get(id)).toBeGreaterThanOrEqual(TRIES_MAX);
        expect(world.rows).toEqual(new Map());
      },
    ),
  );
});

it('counts no try against what it did not try, nor against one whose process lived', () => {
  const world = newWorld();
  reign(world, idsOf(8), 2, new Set(['c7']), 0);
  expect(world.rows.size).toBe(0);
  reign(world, idsOf(8), 3, new Set(['c7']));
  const [row] = [...world.rows.values()];
  expect(row).toMatchObject({ tries: 1, commandIds: idsOf(8) });
  const suspects = new Suspects([{ suspectId: 's', commandIds: ['c7'], tries: 2 }]);
  const [part] = suspects.divide([arrivedOf('c7')], [9]).parts as [Part];
  expect(suspects.begin(part)).toMatchObject({ tries: 3 });
  expect(suspects.absolve(part)).toMatchObject({ tries: 2 });
});

it('tries what is least suspicious first', () => {
  const suspects = new Suspects([
    { suspectId: 's2', commandIds: ['c3'], tries: 2 },
    { suspectId: 's1', commandIds: ['c2'], tries: 1 },
  ]);
  const parts = suspects.divide(['c3', 'c2', 'c1', 'c0'].map(arrivedOf), [4, 4, 3, 0]).parts;
  expect(parts.map(({ indices }) => indices)).toEqual([[3], [2], [1], [0]]);
});
