import type { BranchLevels } from '@eco/api/branch';
import type { BranchStatus, ChangesPage, FetchCandidate, RecordedLevels } from '@eco/branch';
import type { Log } from '@eco/base';
import type { ReceivedChange } from '@eco/contracts';
import { BranchFeed, type BranchTopic, type FoundChanges, type HeadOffice } from './branch-feed.js';

/* A branch's feed between a database and a head office that the spec plays. */

const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, isLevelEnabled: () => false };
const done = <T>(value: T) => Promise.resolve({ type: 'done' as const, value, repeated: false });

/** A head office: changes by topic, with the number of the change as its cursor. */
class PlayedOffice implements HeadOffice {
  /** Changes by topic. `mine` false: of another branch. */
  readonly log: Record<BranchTopic, { readonly mine: boolean }[]> = { products: [], quotas: [], orders: [] };
  readonly asked: string[] = [];
  incarnation: number | null = null;
  isAway = false;
  lost: string | undefined;
  homeEpoch: string | null = null;

  changes(topic: BranchTopic, after: string | null): ReturnType<HeadOffice['changes']> {
    if (this.isAway) return Promise.reject(new Error('away'));
    this.asked.push(`${topic} after ${after ?? 'nothing'}`);
    if (this.lost !== undefined && topic === 'quotas') {
      const continueFrom = this.lost;
      this.lost = undefined;
      return Promise.resolve({ type: 'lost', continueFrom });
    }
    const from = Number(after ?? 0);
    const [found, more] = [this.log[topic].slice(from, from + 2), this.log[topic].length > from + 2];
    const changes = found.flatMap(({ mine }, index) => (mine ? [change(topic, from + index + 1)] : []));
    const { homeEpoch } = this;
    const page = { type: 'page', changes, next: String(from + found.length), more, homeEpoch } satisfies FoundChanges;
    return Promise.resolve(page);
  }

  levels(): Promise<BranchLevels> {
    if (this.isAway) return Promise.reject(new Error('away'));
    const { incarnation, homeEpoch } = this;
    return Promise.resolve({
      ...{ group: 'g1', incarnation, isFrozen: false, homeEpoch, cursor: String(this.log.quotas.length) },
      ...{ levels: [{ productId: 'tea', onHand: 3 }], inTransit: [] },
    });
  }
}

const change = (topic: string, seq: number): ReceivedChange => ({
  ...{ type: `${topic}.changed`, seq, n: 1, commandId: '', at: '', data: {} },
});

class PlayedDatabase {
  readonly cursors = new Map<string, string>();
  readonly applied: number[] = [];
  readonly pages: ChangesPage[] = [];
  readonly fetched: { productId: string; quantity: number }[] = [];
  taken: RecordedLevels | undefined;
  candidates: FetchCandidate[] = [];
  reports = 0;
  incarnation = 1;
  sequence = 0;
  homeEpoch: string | null = null;

  get status(): BranchStatus {
    const { incarnation, sequence, taken, homeEpoch } = this;
    const frozen = taken === undefined ? ('new' as const) : undefined;
    return {
      ...{ branchId: 'b', incarnation, sequence, frozen, depth: 0, bytes: 0, oldestAtMs: undefined, parked: 0 },
      ...{ contactAt: null, obstacle: undefined, homeEpoch },
    };
  }

  cursor(topic: string): string | null {
    return this.cursors.get(topic) ?? null;
  }

  readonly home = this;
  readonly units = this;
  readonly catalogue = this;

  report(recorded?: number) {
    if (this.sequence === 0) this.incarnation = Math.max(this.incarnation, (recorded ?? 0) + 1);
    this.sequence += 1;
    this.reports += 1;
    return done({ incarnation: this.incarnation });
  }

  beginHomeEpoch(homeEpoch: string) {
    Object.assign(this, { homeEpoch, incarnation: this.incarnation + 1, sequence: 0, taken: undefined });
    return done({});
  }

  takeOverLevels(levels: RecordedLevels) {
    this.taken = levels;
    this.cursors.set('quotas', levels.cursor);
    return done({ taken: true });
  }

  applyChanges(page: ChangesPage) {
    const applied = this.cursor(page.topic) === page.after;
    if (applied) {
      this.pages.push(page);
      this.cursors.set(page.topic, page.next);
      this.applied.push(...page.changes.map(({ seq }) => seq));
    }
    return done({ applied });
  }

  resetCursor(topic: string, cursor: string) {
    this.cursors.set(topic, cursor);
    return done({});
  }

  fetchCandidates({ after, limit }: { after: string; limit: number }) {
    return this.candidates.filter(({ productId }) => productId > after).slice(0, limit);
  }

  fetch(units: { productId: string; quantity: number }) {
    this.fetched.push(units);
    return done({ asked: true });
  }

  noteContact = nothing;
}

function feedOf(office: PlayedOffice, database: PlayedDatabase): BranchFeed {
  return new BranchFeed({ database, headOffice: office, log });
}

it('takes over the levels only when they contain the report of its incarnation', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  office.incarnation = 4;
  office.log.quotas.push({ mine: true });
  await feed.look();
  // Four incarnations have reported to the home, so this one is the fifth.
  expect([database.reports, database.incarnation, database.taken]).toEqual([1, 5, undefined]);
  await feed.look();
  expect([database.reports, database.taken]).toEqual([1, undefined]);
  expect(office.asked.filter((asked) => asked.startsWith('quotas'))).toEqual([]);
  office.incarnation = 5;
  await feed.look();
  expect(database.taken).toMatchObject({ incarnation: 5, cursor: '1', levels: [{ productId: 'tea', onHand: 3 }] });
  // The change before the levels is in them.
  expect(office.asked.filter((asked) => asked.startsWith('quotas'))).toEqual(['quotas after 1']);
  expect(database.applied).toEqual([]);
});

it('does not take over while a later incarnation has reported', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  await feed.look();
  office.incarnation = 2;
  await feed.look();
  expect(database.taken).toBeUndefined();
  expect(feed.fault).toMatch(/another database/);
});

it('applies every change that concerns it once, and writes nothing for those of others', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  const mine = [false, false, false, true, false, true, true, false, false];
  office.log.products.push(...mine.map((each) => ({ mine: each })));
  await feed.look();
  expect(database.applied).toEqual([4, 6, 7]);
  expect(database.pages).toHaveLength(3);
  // The next look continues after the changes of others.
  office.asked.length = 0;
  office.log.products.push({ mine: true });
  await feed.look();
  expect(office.asked).toContain('products after 9');
  expect(database.applied).toEqual([4, 6, 7, 10]);
});

it('knows a product before it has units of it', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  await feed.look();
  office.incarnation = 1;
  await feed.look();
  const changes = office.changes.bind(office);
  office.changes = (topic, after) => {
    // Both are made after the branch has looked for products.
    if (topic === 'quotas' && office.log.quotas.length === 0) {
      office.log.products.push({ mine: true });
      office.log.quotas.push({ mine: true });
    }
    return changes(topic, after);
  };
  await feed.look();
  expect(database.pages.map(({ topic }) => topic)).toEqual(['products', 'quotas']);
});

it('continues from its database after a restart', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  office.log.products.push(...[true, false, true].map((mine) => ({ mine })));
  await feedOf(office, database).look();
  office.log.products.push({ mine: true });
  await feedOf(office, database).look();
  expect(database.applied).toEqual([1, 3, 4]);
});

it('goes back to the place that a failover has kept', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  await feed.look();
  office.incarnation = 1;
  await feed.look();
  office.log.quotas.push({ mine: true }, { mine: true });
  await feed.look();
  office.lost = '1';
  await feed.look();
  expect(database.applied).toEqual([1, 2, 2]);
});

it('asks for units by the rule, and for nothing before it may sell', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  database.candidates = [
    { productId: 'tea', remaining: 0, onTheWay: 0, soldPerDay: 0 },
    { productId: 'wine', remaining: 500, onTheWay: 0, soldPerDay: 1 },
  ];
  await feed.look();
  expect(database.fetched).toEqual([]);
  office.incarnation = 1;
  await feed.look();
  expect(database.fetched).toEqual([{ productId: 'tea', quantity: 10 }]);
});

it('continues when the head office answers again', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  office.isAway = true;
  await feed.look();
  expect(feed.fault).toBe('away');
  office.isAway = false;
  await feed.look();
  expect(feed.fault).toBeUndefined();
});

it('begins a new incarnation when the head office was restored, before it applies anything from there', async () => {
  const [office, database] = [new PlayedOffice(), new PlayedDatabase()];
  const feed = feedOf(office, database);
  await feed.look();
  office.incarnation = 1;
  await feed.look();
  expect(database.status).toMatchObject({ frozen: undefined, incarnation: 1 });
  office.homeEpoch = 'restore-1';
  office.log.quotas.push({ mine: true });
  await feed.look();
  expect(database.status).toMatchObject({ frozen: 'new', incarnation: 2, homeEpoch: 'restore-1' });
  expect(database.applied).toEqual([]);
  await feed.look();
  expect([database.reports, database.taken]).toEqual([2, undefined]);
  office.incarnation = 2;
  await feed.look();
  expect(database.taken).toMatchObject({ incarnation: 2 });
});
