import { Api } from '../system/system.js';
import type { BranchSystem } from '../branches/branch-system.js';
import type { Till } from '../branches/till.js';
import { ChangeFollower } from './change-follower.js';
import { FaultLoad, type LoadOptions } from './fault-load.js';
import type { FaultSystem } from './fault-system.js';
import { Readers, type ReadingOptions } from './readers.js';
import { checkStored, type Checked } from './stored.js';

/** The product that tills sell. The branch holds more units than they can sell. */
const TILL_PRODUCT = 'till';
const UNITS = 10_000_000;
const TILL_PAUSE_MS = 200;

/**
 * Everything that a chain does at once: orders at the head office and at a branch, carts and receipts; sales at a till;
 * reads with and without a position; a program that follows the changes.
 */
export class MixedLoad {
  readonly #ended = new AbortController();
  readonly #selling: Promise<void>;

  private constructor(
    readonly orders: FaultLoad,
    readonly readers: Readers,
    readonly follower: ChangeFollower,
    readonly till: Till,
    readonly branches: BranchSystem,
    readonly system: FaultSystem,
  ) {
    this.#selling = till.run(this.#ended.signal, () => 1, TILL_PAUSE_MS);
  }

  /** The first branch takes part. `branches` are open and not started. */
  static async start(
    system: FaultSystem,
    branches: BranchSystem,
    options: Omit<LoadOptions, 'branch'>,
    reading: ReadingOptions = {},
  ): Promise<MixedLoad> {
    const [branch] = branches.branches;
    if (branch === undefined) throw new Error('the system has no branch');
    await branch.start();
    await branches.createProduct(TILL_PRODUCT, 2 * UNITS);
    await branches.send(branch, TILL_PRODUCT, UNITS);
    const till = await branches.till(branch, '1', TILL_PRODUCT);
    const orders = new FaultLoad(system, { ...options, branch: new Api(branch.url, system.callers) });
    await orders.start();
    const readers = new Readers(system.read, orders, TILL_PRODUCT, reading);
    return new MixedLoad(orders, readers, new ChangeFollower(system), till, branches, system);
  }

  /** Checks all that was promised so far, while the load goes on. */
  async check(): Promise<Checked> {
    const checked = await checkStored(this.system, this.orders);
    const { readers, follower, till } = this;
    const faults = [
      ...this.orders.wrongAnswers,
      ...readers.wrong,
      ...(await follower.violations()),
      ...till.wrong.map((text) => `a sale: ${text}`),
      ...[...till.refusals].map(([type, count]) => `${count} sales were refused: ${type}`),
    ];
    return { ...checked, faults: [...checked.faults, ...faults] };
  }

  /** Ends the load, and checks everything. Returns a sentence for each error. */
  async stop(): Promise<string[]> {
    this.#ended.abort();
    await Promise.all([this.#selling, this.orders.stop()]);
    const { till, branches, orders } = this;
    const wrong: string[] = [];
    try {
      wrong.push(...(await branches.records.differences(till.branch, till.authorization, till.sales)));
      wrong.push(...(await this.check()).faults);
    } finally {
      await Promise.all([this.readers.stop(), this.follower.stop()]);
    }
    const unanswered = orders.asked.filter(({ known }) => known === 'unknown');
    return [...wrong, ...unanswered.map(({ token }) => `no answer: ${token}`)];
  }
}
