import fc from 'fast-check';
import type { Arrived } from '@eco/domain';
import type { SuspectSet } from './suspect-rows.js';
import { Suspects, TRIES_MAX, type Part } from './suspects.js';
import type { Taken } from './taken.js';

/*
 * A model of leaderships. The commands that wait in two queues are taken and decided part by part, with rows kept as
 * the database would. A part with a poison message ends the process. A part with a command that crashes the server ends
 * the session. A message may also end the process that parses it. Everything that is not settled is redelivered, and
 * from the third delivery on it is unread. Something else may end either at any moment.
 */

const LIMITS = { commands: 1000, lines: 5000 };
const LATE = 1e9;

interface Row extends SuspectSet {
  /** Processes that started to try the set and have not withdrawn the try. */
  by: ReadonlySet<number>;
}

type End = 'process' | 'session';

class World {
  readonly rows = new Map<string, Row>();
  readonly settled: string[] = [];
  readonly deadLetters = new Set<string>();
  readonly triedAlone = new Map<string, Set<number>>();
  /** Number of earlier deliveries of each command. */
  readonly deliveries = new Map<string, number>();
  /** Messages that this leadership has parsed. */
  readonly #parsed = new Set<string>();
  process = 1;

  constructor(
    readonly queues: Readonly<Record<string, readonly string[]>>,
    readonly bad: ReadonlyMap<string, End | 'parse'>,
  ) {}

  get open(): Taken[] {
    return Object.entries(this.queues).flatMap(([queue, ids]) =>
      ids.filter((id) => !this.#isOver(id)).map((id) => this.#taken(id, queue)),
    );
  }

  #isOver(id: string): boolean {
    return this.settled.includes(id) || this.deadLetters.has(id);
  }

  #taken(id: string, queue: string): Taken {
    const deliveryCount = this.deliveries.get(id) ?? 0;
    const isUnread = deliveryCount >= 2 && !this.#parsed.has(id);
    const arrived = { readable: false, commandId: isUnread ? `${UNREAD}${id}` : id } as Arrived;
    return { arrived, queue, deliveryCount, ...(isUnread && { unreadBytes: 100 }) };
  }

  /**
   * One leadership. At most `pieces` commands of each queue are available at a time. It ends when everything is
   * settled, when something ends it, or after `partsMax` parts.
   */
  lead(pieces: number, partsMax: number, endedBy: End | undefined): void {
    const suspects = new Suspects([...this.rows.values()], 0);
    this.#parsed.clear();
    for (let parts = 0; this.open.length > 0; parts += 1) {
      const counts = new Map<string, number>();
      const waiting = this.open.filter(({ queue }) => {
        counts.set(queue, (counts.get(queue) ?? 0) + 1);
        return (counts.get(queue) ?? 0) <= pieces;
      });
      if (waiting.some((each) => each.unreadBytes === undefined && !this.#parse(idOf(each)))) {
        return this.#end('process', waiting);
      }
      if (parts >= partsMax) return this.#end(endedBy ?? 'process', waiting);
      const part = suspects.next(waiting, LIMITS, LATE) as Part;
      expect(part.taken.length).toBeGreaterThan(0);
      const ids = part.taken.map(idOf);
      const ended = this.#try(suspects, part, ids);
      if (ended !== undefined) return this.#end(ended, waiting);
      suspects.settled(part);
      if (part.suspect !== undefined) this.rows.delete(part.suspect.suspectId);
    }
  }

  /** False: this ends the process. */
  #parse(id: string): boolean {
    this.#parsed.add(id);
    return this.bad.get(id) !== 'parse';
  }

  #try(suspects: Suspects, part: Part, ids: readonly string[]): End | undefined {
    const [first = ''] = ids;
    const isUnread = part.taken.map(({ unreadBytes }) => unreadBytes !== undefined);
    expect(new Set(isUnread).size).toBe(1);
    const by = this.rows.get(part.suspect?.suspectId ?? '')?.by ?? new Set();
    if (part.needsVerdict === true && by.size >= TRIES_MAX) {
      expect(ids).toHaveLength(1);
      this.deadLetters.add(first);
      return undefined;
    }
    const begun = suspects.begin(part);
    if (begun !== undefined) {
      for (const id of begun.removed ?? []) this.rows.delete(id);
      for (const set of begun.stored ?? []) this.rows.set(set.suspectId, { ...set, by: new Set() });
      this.rows.set(begun.suspect.suspectId, { ...begun.suspect, by: new Set([...by, this.process]) });
      if (ids.length === 1) {
        this.triedAlone.set(first, new Set([...(this.triedAlone.get(first) ?? []), this.process]));
      }
    }
    if (isUnread[0] === true) return ids.every((id) => this.#parse(id)) ? undefined : 'process';
    for (const id of ids) {
      const end = this.bad.get(id);
      if (end === 'process' || end === 'session') return end;
    }
    this.settled.push(...ids);
    return undefined;
  }

  #end(what: End, waiting: readonly Taken[]): void {
    for (const each of waiting) this.deliveries.set(idOf(each), each.deliveryCount + 1);
    if (what === 'process') {
      this.process += 1;
      return;
    }
    for (const [id, row] of this.rows) {
      this.rows.set(id, { ...row, by: new Set([...row.by].filter((process) => process !== this.process)) });
    }
  }
}

const UNREAD = 'unread ';
const idOf = ({ arrived }: Taken) => (arrived as { commandId: string }).commandId.replace(UNREAD, '');
const idsOf = (queue: string, count: number) => Array.from({ length: count }, (_, index) => `${queue}${index}`);
const taken = (queue: string, ids: readonly string[], deliveryCount = 0): Taken[] =>
  ids.map((id) => ({
    arrived: { readable: false, commandId: id } as Arrived,
    queue,
    deliveryCount,
  }));

const counts = fc.integer({ min: 0, max: 40 });
const places = fc.uniqueArray(fc.nat(39), { maxLength: 3 });
const ends = fc.array(fc.record({ parts: fc.nat(6), what: fc.constantFrom<End>('process', 'session') }), {
  maxLength: 40,
});

/** Runs until everything that can be settled is settled. A command that crashes the server is tried forever. */
function run(world: World, pieces: number, ended: readonly { parts: number; what: End }[], leadershipsMax: number) {
  for (let n = 0; world.open.length > 0 && n < leadershipsMax; n += 1) {
    world.lead(pieces, ended[n]?.parts ?? Infinity, ended[n]?.what);
  }
}

it('decides the commands of a queue in arrival order, whichever of them are suspicious', () => {
  fc.assert(
    fc.property(
      counts,
      counts,
      places,
      places,
      places,
      ends,
      fc.integer({ min: 1, max: 40 }),
      (a, b, poison, unparsable, crash, ended, pieces) => {
        const queues = { a: idsOf('a', a), b: idsOf('b', b) };
        const bad = new Map<string, End | 'parse'>([
          ...poison.map((n) => [`a${n}`, 'process'] as const),
          ...unparsable.map((n) => [`a${n}`, 'parse'] as const),
          ...crash.map((n) => [`b${n}`, 'session'] as const),
        ]);
        const world = new World(queues, bad);
        run(world, pieces, ended, 150);
        for (const ids of Object.values(queues)) {
          const order = world.settled.filter((id) => ids.includes(id)).map((id) => ids.indexOf(id));
          expect(order).toEqual([...order].sort((x, y) => x - y));
          // Every earlier command of the queue is settled.
          const last = order.at(-1) ?? 0;
          const before = ids.slice(0, last).filter((id) => !world.settled.includes(id) && !world.deadLetters.has(id));
          expect(before).toEqual([]);
        }
        expect(new Set(world.settled).size).toBe(world.settled.length);
      },
    ),
    { numRuns: 30 },
  );
});

it('settles all good commands and dead-letters only poison messages, however small the deliveries are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.uniqueArray(fc.nat(59), { maxLength: 3 }),
      fc.constantFrom('process', 'parse'),
      fc.array(fc.record({ parts: fc.nat(6), what: fc.constantFrom<End>('process', 'session') }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 60 }),
      (count, poisonAt, endsBy, ended, pieces) => {
        const ids = idsOf('a', count);
        const poison = new Set(ids.filter((_, index) => poisonAt.includes(index)));
        const world = new World({ a: ids }, new Map([...poison].map((id) => [id, endsBy])));
        // The number of leaderships has a limit: three deliveries before any suspicion, then the halves of each poison
        // message's set, then the message alone.
        const limit = ended.length + 3 + 3 * (Math.ceil(Math.log2(count + 1)) + TRIES_MAX + 2) * (1 + count / pieces);
        run(world, pieces, ended, limit);
        expect(world.open.map(idOf)).toEqual([]);
        expect(world.deadLetters).toEqual(poison);
        for (const id of poison) expect(world.triedAlone.get(id)?.size).toBeGreaterThanOrEqual(TRIES_MAX);
        expect(world.rows).toEqual(new Map());
      },
    ),
  );
});

it('dead-letters no command whose session ends each time, and settles all earlier commands and other queues', () => {
  const world = new World({ a: idsOf('a', 9), b: idsOf('b', 5) }, new Map([['a4', 'session']]));
  run(world, 9, [], 60);
  expect(world.deadLetters.size).toBe(0);
  expect(world.settled.sort()).toEqual([...idsOf('a', 4), ...idsOf('b', 5)]);
  expect([...world.rows.values()].find(({ commandIds }) => commandIds.includes('a4'))).toMatchObject({
    commandIds: ['a4'],
    by: new Set(),
  });
});

it('splits nothing before a third delivery, and keeps the order between queues', () => {
  const waiting = [...taken('a', ['a0']), ...taken('b', ['b0'], 1), ...taken('a', ['a1'])];
  expect(new Suspects([], 0).next(waiting, LIMITS, 0)).toEqual({ taken: waiting });
});

it('ends a part before it exceeds the limits of lines or commands, and gives each queue a share', () => {
  const lines = (count: number) => Array.from({ length: count }, () => ({}));
  const large = (queue: string, count: number) =>
    Array.from({ length: count }, () => ({
      arrived: { readable: true, command: { body: { lines: lines(200) } } } as unknown as Arrived,
      queue,
      deliveryCount: 0,
    }));
  const waiting = [...large('a', 30), ...taken('b', idsOf('b', 30))];
  const partOf = (commands: number, linesMax: number, of = new Suspects([], 0)) =>
    of.next(waiting, { commands, lines: linesMax }, 0)?.taken.map(({ queue }) => queue);
  const queues = (a: number, b: number) => [...Array<string>(a).fill('a'), ...Array<string>(b).fill('b')];
  expect(partOf(1000, 5000)).toEqual(queues(25, 30));
  expect(partOf(1000, 10)).toEqual(queues(1, 10));
  expect(partOf(10, 5000)).toEqual(queues(5, 5));
  const suspects = new Suspects([], 0);
  expect([partOf(1, 5, suspects), partOf(1, 5, suspects), partOf(1, 5, suspects)]).toEqual([['a'], ['b'], ['a']]);
});

it('retries a command that was tried alone three times, later each time, while other queues continue', () => {
  const set = (tries: number) => ({ suspectId: 's', commandIds: ['a0'], tries });
  const waiting = [...taken('a', ['a0', 'a1'], 3), ...taken('b', ['b0'])];
  const next = (tries: number, now: number, of: readonly Taken[]) => {
    const suspects = new Suspects([set(tries)], 0);
    const first = suspects.next(of, LIMITS, now);
    return first?.suspect === undefined && of === waiting ? [first, suspects.next(of, LIMITS, now)] : [first];
  };
  expect(next(2, 0, taken('a', ['a0'], 3))).toMatchObject([{ suspect: { tries: 2 }, needsVerdict: false }]);
  expect(next(3, 6999, taken('a', ['a0'], 3))).toEqual([undefined]);
  expect(next(3, 7000, taken('a', ['a0'], 3))).toMatchObject([{ suspect: { tries: 3 }, needsVerdict: true }]);
  expect(next(6, 31_999, taken('a', ['a0'], 3))).toEqual([undefined]);
  expect(next(40, 60_000, taken('a', ['a0'], 3))).toMatchObject([{ needsVerdict: true }]);
  expect(next(3, 0, waiting).map((part) => part?.taken.map(idOf))).toEqual([['b0'], ['b0']]);
  expect(new Suspects([set(5)], 0).worst).toEqual(set(5));
});

it('counts no try for commands that were not tried, or whose session survived', () => {
  const suspects = new Suspects([], 0);
  const part = suspects.next(taken('a', idsOf('a', 8), 2), LIMITS, 0) as Part;
  expect(suspects.isEmpty).toBe(true);
  const begun = suspects.begin(part) as Part & { suspect: SuspectSet };
  expect(begun.suspect).toMatchObject({ tries: 1, commandIds: idsOf('a', 8) });
  expect(suspects.absolve(begun)).toMatchObject({ tries: 0 });
  expect(suspects.next(taken('a', idsOf('a', 8), 3), LIMITS, 0)?.taken).toHaveLength(8);
});
