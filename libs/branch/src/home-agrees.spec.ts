import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { parseReceiptNumber } from '@eco/till';
import type { BranchDatabase } from './branch-database.js';
import { goOnline, Home } from './test/home.js';
import { apply, asked, cashSale, change, openBranch } from './test/shop.js';

/*
 * A branch and its home, with whatever happens at both, messages that come late or twice, restarts, and backups that are
 * restored. Once everything has arrived, both have the same units.
 */

/** This spec tests no disk, and a disk takes most of its time. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
const PRODUCTS = ['cafe', 'pan'];
const product = fc.constantFrom(...PRODUCTS);
const quantity = fc.integer({ min: 1, max: 6 });
const units = { product, quantity };
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('sell' as const), ...units }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('fetch' as const), ...units }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('deliver' as const), most: quantity, isConfirmed: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('publish' as const), most: quantity }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('void' as const, 'receive' as const, 'restart' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('return' as const), isOwn: fc.boolean(), ...units }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('count' as const, 'give-back' as const), ...units }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('send' as const, 'recall' as const, 'write-off' as const), ...units }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('back-up' as const, 'restore' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class World {
  readonly #dir = mkdtempSync(path.join(MEMORY, 'eco-home-agrees-'));
  readonly #home = new Home();
  #branch: BranchDatabase = openBranch(this.#dir);
  /** Sales that the branch remembers. A restored branch may have forgotten what became of earlier ones. */
  #sales: string[] = [];
  #hasBackup = false;

  async begin(): Promise<void> {
    for (const productId of PRODUCTS) {
      const data = { productId, name: productId, priceCents: 1000, version: 1 };
      await apply(this.#branch, 'products', change('product.created', data));
    }
    await this.#branch.shifts.registerTill({ ...asked(), till: '1', name: 'Caja 1' });
    await this.#branch.shifts.open({ ...asked(), till: '1', openingCents: 0 });
    for (const productId of PRODUCTS) this.#home.send(productId, 20);
    await goOnline(this.#branch, this.#home);
    for (let product = 0; product < PRODUCTS.length; product += 1) await this.take({ type: 'receive' });
  }

  async take(step: Step): Promise<void> {
    const { sales, units } = this.#branch;
    switch (step.type) {
      case 'sell': {
        const sold = await sales.sell(cashSale(step.product, step.quantity));
        if (sold.type === 'done') this.#sales.push(sold.value.saleId);
        return;
      }
      case 'void':
        await sales.voidSale({ ...asked(), saleId: this.#sales.at(-1) ?? asked().id, reason: 'a test' });
        return;
      case 'return': {
        const lines = [{ productId: step.product, quantity: step.quantity }];
        const saleId = step.isOwn ? (this.#sales.at(-1) ?? asked().id) : null;
        await sales.returnUnits({ ...asked(), till: '1', saleId, reason: 'a test', refund: 'card', lines });
        return;
      }
      case 'count': {
        const counted = Math.max(0, (this.remaining(step.product) ?? 0) + step.quantity - 3);
        await units.count({ ...asked(), productId: step.product, counted, reason: 'a test' });
        return;
      }
      case 'give-back':
        await units.giveBack({ ...asked(), productId: step.product, quantity: step.quantity });
        return;
      case 'fetch':
        await units.fetch({ productId: step.product, quantity: step.quantity });
        return;
      case 'receive': {
        const [first] = units.expectedTransfers();
        if (first) await units.receiveTransfer({ ...asked(), transferId: first.transferId });
        return;
      }
      case 'send':
        return this.#home.send(step.product, step.quantity);
      case 'recall':
        return this.#home.recall(step.product, step.quantity);
      case 'write-off':
        return this.#home.writeOff(step.product, step.quantity);
      case 'deliver':
        return this.#home.receive(this.#branch, step.most, step.isConfirmed);
      case 'publish':
        return this.#home.publish(this.#branch, step.most);
      case 'restart':
        this.#branch.close();
        this.#branch = openBranch(this.#dir);
        return;
      case 'back-up':
        this.#branch.close();
        copyFileSync(this.#file, this.#backup);
        this.#hasBackup = true;
        this.#branch = openBranch(this.#dir);
        return;
      case 'restore':
        if (!this.#hasBackup) return;
        this.#branch.close();
        copyFileSync(this.#backup, this.#file);
        this.#branch = openBranch(this.#dir);
        this.#sales = [];
        return goOnline(this.#branch, this.#home);
    }
  }

  /** Everything arrives, on both sides. */
  async settle(): Promise<void> {
    await goOnline(this.#branch, this.#home);
    for (let round = 0; round < 20; round += 1) {
      await this.#home.publish(this.#branch, 1000);
      await goOnline(this.#branch, this.#home);
    }
  }

  remaining(productId: string): number | undefined {
    return this.#branch.catalogue.quota(productId)?.remaining;
  }

  get levels() {
    return PRODUCTS.map((productId) => [productId, this.#home.account(productId).level]);
  }

  get holdings() {
    return PRODUCTS.map((productId) => [productId, this.remaining(productId)]);
  }

  get discrepancies() {
    return PRODUCTS.map((productId) => this.#home.account(productId).discrepancy);
  }

  /** Receipt numbers of each incarnation, in the order of their sales. */
  get receipts(): Map<number, number[]> {
    const numbers = new Map<number, number[]>();
    for (const { receiptNumber } of this.#branch.sales.page({ limit: 1000 }).reverse()) {
      const { incarnation = 0, number = 0 } = parseReceiptNumber(receiptNumber) ?? {};
      numbers.set(incarnation, [...(numbers.get(incarnation) ?? []), number]);
    }
    return numbers;
  }

  end(): void {
    this.#branch.close();
    rmSync(this.#dir, { recursive: true });
  }

  get #file(): string {
    return path.join(this.#dir, 'branch.sqlite');
  }

  get #backup(): string {
    return path.join(this.#dir, 'backup');
  }
}

it('has the units that its home has recorded, once everything has arrived, and receipts without a gap', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new World();
      try {
        await world.begin();
        for (const each of steps) await world.take(each);
        await world.settle();
        expect(world.holdings).toEqual(world.levels);
        expect(world.discrepancies).toEqual(PRODUCTS.map(() => 0));
        for (const numbers of world.receipts.values()) expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      } finally {
        world.end();
      }
    }),
    { numRuns: 30 },
  );
});
