import { sleep, type Log } from '@eco/base';
import type { BranchLevels } from '@eco/api/branch';
import type { BranchDatabase, BranchStatus, FetchCandidate, Recorded } from '@eco/branch';
import type { ReceivedChange } from '@eco/contracts';
import { FETCH_DEFAULTS, quantityToFetch, type FetchSettings } from '@eco/domain';

const topics = ['products', 'quotas', 'orders'] as const;
export type BranchTopic = (typeof topics)[number];

/** A page of changes that concern the branch. */
export interface FoundChanges {
  readonly type: 'page';
  readonly changes: readonly ReceivedChange[];
  readonly next: string;
  readonly more: boolean;
  /** The last restore of the head office's database after which it awaits the branch; null: none. */
  readonly homeEpoch: string | null;
}

/** The head office. Each method rejects if it does not answer. */
export interface HeadOffice {
  /** `after` null: from the beginning. `lost`: a failover has lost the cursor. */
  changes(
    topic: BranchTopic,
    after: string | null,
  ): Promise<FoundChanges | { readonly type: 'lost'; readonly continueFrom: string }>;
  levels(): Promise<BranchLevels>;
}

type HomeLink = BranchDatabase['home'];

/** What the feed does in the branch's database. */
interface FeedDatabase {
  readonly status: BranchStatus;
  readonly home: Pick<
    HomeLink,
    'cursor' | 'report' | 'beginHomeEpoch' | 'takeOverLevels' | 'applyChanges' | 'resetCursor' | 'noteContact'
  >;
  readonly units: Pick<BranchDatabase['units'], 'fetch'>;
  readonly catalogue: Pick<BranchDatabase['catalogue'], 'fetchCandidates'>;
}

export interface BranchFeedOptions {
  readonly database: FeedDatabase;
  readonly headOffice: HeadOffice;
  readonly log: Log;
  readonly fetchSettings?: FetchSettings;
}

/** Time between two looks at the head office, ms. A grant is spendable at the latest after this time. */
const LOOK_EVERY_MS = 1_000;
/** The same until the branch may sell. */
const LOOK_EVERY_WAITING_MS = 200;
const REPORT_EVERY_MS = 60_000;
/** Products for which one look decides whether more units are needed. */
const PRODUCTS_PER_LOOK = 500;

/** How far the branch has looked: no change between its stored cursor and `next` concerns it. */
interface Ahead {
  readonly stored: string | null;
  readonly next: string;
}

/**
 * What goes on between a branch and the head office while there is a line: the branch takes over its levels, applies the
 * changes that concern it, reports, and asks for units. Everything that matters is in the branch's database, so a look
 * may end anywhere, and the next one continues.
 */
export class BranchFeed {
  readonly #options: BranchFeedOptions;
  readonly #stopped = new AbortController();
  readonly #ahead = new Map<BranchTopic, Ahead>();
  #running: Promise<void> | undefined;
  #reportedMs: number | undefined;
  #nextProductId = '';
  #fault: string | undefined = 'not asked yet';

  constructor(options: BranchFeedOptions) {
    this.#options = options;
  }

  /** Why the last look failed. Undefined: it did not. */
  get fault(): string | undefined {
    return this.#fault;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.look();
      await sleep(this.#status.frozen === undefined ? LOOK_EVERY_MS : LOOK_EVERY_WAITING_MS, signal).catch(
        () => undefined,
      );
    }
  }

  /** Resolves when everything that the head office has now is applied, or with a fault. */
  async look(): Promise<void> {
    try {
      await this.#settle();
      for (const topic of topics) await this.#follow(topic);
      await this.#askForUnits();
      this.#options.database.home.noteContact();
      this.#setFault(undefined);
    } catch (error) {
      this.#setFault((error as Error).message);
    }
  }

  /** Reports. In a new incarnation the branch then takes over the levels that contain this report. */
  async #settle(): Promise<void> {
    const { database, headOffice, log } = this.#options;
    if (this.#status.frozen === undefined) return this.#report();
    const levels = await headOffice.levels();
    if (await this.#isNewEpoch(levels.homeEpoch)) return;
    const recorded = levels.incarnation ?? 0;
    const { incarnation, sequence } = this.#status;
    if (sequence === 0) {
      const { incarnation: begun } = valueOf(await database.home.report(recorded));
      log.info({ incarnation: begun }, 'the branch reports a new incarnation');
      this.#reportedMs = performance.now();
      return;
    }
    if (recorded > incarnation)
      throw new Error(`the incarnation ${recorded} of the branch has reported: another database`);
    if (recorded < incarnation) return;
    const { taken } = valueOf(await database.home.takeOverLevels({ ...levels, incarnation }));
    if (taken) log.info({ incarnation, products: levels.levels.length }, 'levels taken over: the branch may sell');
  }

  async #report(): Promise<void> {
    const { database } = this.#options;
    if (this.#reportedMs !== undefined && performance.now() - this.#reportedMs < REPORT_EVERY_MS) return;
    valueOf(await database.home.report());
    for (const [topic, { stored, next }] of this.#ahead) {
      valueOf(await database.home.applyChanges({ topic, changes: [], after: stored, next }));
    }
    this.#reportedMs = performance.now();
  }

  async #follow(topic: BranchTopic): Promise<void> {
    const { database, headOffice, log } = this.#options;
    // Until the branch has taken over its levels, they contain every change of its units.
    if (topic === 'quotas' && this.#status.frozen !== undefined) return;
    while (!this.#stopped.signal.aborted) {
      const stored = database.home.cursor(topic);
      const ahead = this.#ahead.get(topic);
      const read = await headOffice.changes(
        topic,
        ahead !== undefined && ahead.stored === stored ? ahead.next : stored,
      );
      if (read.type === 'lost') {
        log.warn({ topic, stored, ...read }, 'a failover has lost the place up to which changes are applied');
        valueOf(await database.home.resetCursor(topic, read.continueFrom));
        this.#ahead.delete(topic);
        continue;
      }
      if (await this.#isNewEpoch(read.homeEpoch)) return;
      const { changes, next, more } = read;
      // Units of a product that the branch does not know yet could not be sold.
      if (topic === 'quotas' && changes.length > 0) await this.#follow('products');
      // A page that only leaves out what concerns others needs no write.
      if (changes.length === 0) this.#ahead.set(topic, { stored, next });
      else if (!valueOf(await database.home.applyChanges({ topic, changes, after: stored, next })).applied) return;
      if (!more) return;
    }
  }

  /** True: the head office was restored since, and the branch begins to send its entries again. */
  async #isNewEpoch(homeEpoch: string | null): Promise<boolean> {
    const { database, log } = this.#options;
    if (homeEpoch === null || homeEpoch === this.#status.homeEpoch) return false;
    valueOf(await database.home.beginHomeEpoch(homeEpoch));
    this.#ahead.clear();
    log.warn({ homeEpoch }, 'the head office was restored: the branch sends its entries again');
    return true;
  }

  /** Looks at some products at a time, because a catalogue may have 100,000. */
  async #askForUnits(): Promise<void> {
    const { database, fetchSettings = FETCH_DEFAULTS } = this.#options;
    if (this.#status.frozen !== undefined) return;
    const candidates = database.catalogue.fetchCandidates({ after: this.#nextProductId, limit: PRODUCTS_PER_LOOK });
    this.#nextProductId = candidates.length < PRODUCTS_PER_LOOK ? '' : (candidates.at(-1)?.productId ?? '');
    const wanted = candidates.flatMap(({ productId, ...state }: FetchCandidate) => {
      const quantity = quantityToFetch({ ...state, mayFetch: true }, fetchSettings);
      return quantity === 0 ? [] : [{ productId, quantity }];
    });
    await Promise.all(wanted.map(async (units) => database.units.fetch(units)));
  }

  get #status(): BranchStatus {
    return this.#options.database.status;
  }

  #setFault(fault: string | undefined): void {
    const { log } = this.#options;
    if (this.#fault !== undefined && fault === undefined) log.info({}, 'the head office answers');
    if (this.#fault === undefined && fault !== undefined) log.warn({ fault }, 'the head office does not answer');
    this.#fault = fault;
  }
}

/** Throws if nothing was recorded: the next look tries again. */
function valueOf<T>(recorded: Recorded<T, unknown>): T {
  switch (recorded.type) {
    case 'done':
      return recorded.value;
    case 'full':
    case 'failed':
      throw new Error(recorded.obstacle);
    default:
      throw new Error(`the branch's database refused it: ${JSON.stringify(recorded)}`);
  }
}
