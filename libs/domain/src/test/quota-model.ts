import {
  applied,
  bookCount,
  bookGiveBack,
  bookReturn,
  bookSale,
  bookSettlement,
  bookVoid,
  bookWriteOff,
  EMPTY_ACCOUNT,
  type Account,
  type AccountDeltas,
} from '../quota/account.js';
import { quantityToFetch } from '../quota/fetch-rule.js';
import { judgeEntry, whyNoUnits, type HolderRecord } from '../quota/holder-record.js';
import { NEW_HOLDER, nextEntry, restored, takeOver, type HolderState, type Place } from '../quota/holder.js';
import {
  accept,
  afterWriteOff,
  count,
  EMPTY_HOLDING,
  giveBack,
  recallable,
  remainingOf,
  restock,
  spendLines,
  type Holding,
} from '../quota/holding.js';
import { grantOf } from '../quotas/grant-rule.js';
import { forgottenGrant, mayUsePool } from '../quota/recovery.js';

/*
 * The parts around the functions of `quota`: disks, lanes and the home's tables, each as simple as it can be. A step is
 * what one transaction of a real process does. Whatever a real process may lose, repeat or delay between two
 * transactions is a step of its own.
 */

export const PRODUCTS = ['cafe', 'mate'] as const;
const SUPPLY = 80;
const SILENCE_DAYS = 7;

type Units = Record<string, number>;

type Act =
  | { readonly type: 'report'; readonly epoch: number }
  | { readonly type: 'sale'; readonly lines: readonly { productId: string; quantity: number }[] }
  | { readonly type: 'void'; readonly saleId: string }
  | { readonly type: 'return'; readonly productId: string; readonly quantity: number; readonly isOwnSale: boolean }
  | { readonly type: 'accept'; readonly grantId: string; readonly productId: string; readonly quantity: number }
  | { readonly type: 'give-back'; readonly productId: string; readonly quantity: number }
  | { readonly type: 'count'; readonly productId: string; readonly expected: number; readonly counted: number };

export interface Entry {
  readonly id: string;
  readonly holderId: string;
  readonly place: Place;
  readonly act: Act;
}

interface Fetch {
  readonly id: string;
  readonly holderId: string;
  readonly productId: string;
  readonly quantity: number;
}

type Change = { readonly holderId: string; readonly productId: string; readonly quantity: number } & (
  { readonly type: 'granted'; readonly grantId: string } | { readonly type: 'recalled' | 'written-off' }
);

type KnownHolder = { -readonly [Field in keyof HolderRecord]: HolderRecord[Field] } & { settledEpoch: number };

/** What the home's database contains. */
interface HomeTables {
  epoch: number;
  pool: Units;
  cameIn: Units;
  /** Net of voids. */
  sold: Units;
  returned: Units;
  accounts: Record<string, Account>;
  inTransit: Record<string, Fetch>;
  arrived: string[];
  /** Commands that have an outcome, in order. */
  decided: string[];
  places: string[];
  holders: Record<string, KnownHolder>;
  sales: Record<string, { readonly entry: Entry; isVoided: boolean }>;
  changes: Change[];
}

/** What a holder's database contains. */
interface Disk {
  holder: HolderState;
  /** The home's epoch, as far as the holder knows it. */
  epoch: number;
  reportId: string;
  holdings: Record<string, Holding>;
  grants: string[];
  cursor: number;
  log: Entry[];
  /** Entries of the log that the brokers have confirmed. */
  confirmed: number;
}

interface Page {
  readonly epoch: number;
  readonly from: number;
  readonly changes: readonly Change[];
}

interface Reading {
  readonly epoch: number;
  readonly reportId: string;
  readonly position: number;
  readonly containsReport: boolean;
  readonly levels: Map<string, number>;
  readonly inTransit: Fetch[];
}

/** A process of a holder. It loses all but its disk in a crash. */
interface Instance {
  readonly holderId: string;
  disk: Disk;
  backup: Disk;
  pages: Page[];
  /** Replies to its requests: grants that the changes contain as well. */
  replies: Fetch[];
  reading: Reading | undefined;
}

export interface Choice {
  readonly holder: number;
  readonly product: number;
  readonly quantity: number;
  readonly other: number;
}

export class QuotaModel {
  readonly holderIds: readonly string[];
  home: HomeTables;
  instances: Instance[];
  /** True: two copies of a holder's records were in use. */
  isForked = false;
  /** True: a restored holder may have taken the number of an incarnation that is lost. */
  mayRepeatIncarnation = false;
  isHomeRestored = false;
  /** Holders to which the home has granted units while they were frozen or silent. */
  readonly wrongGrants: string[] = [];
  /** Epochs in which the home used its pool although a holder had not reported. */
  readonly wrongUses: number[] = [];
  /** Entries that show a fork, and the home did not freeze their holder. */
  readonly missedForks: string[] = [];

  #nowMs = 0;
  #ids = 0;
  #homeBackup: HomeTables;
  #fetches: Fetch[] = [];
  /** The last incarnation of each holder, in the file next to its database. */
  readonly #counters = new Map<string, number>();
  /** Sales whose units are back on the shelf: a customer brings them back once. */
  readonly #broughtBack = new Set<string>();
  readonly #lanes = new Map<string, Entry[]>();

  constructor(holders: number) {
    this.holderIds = Array.from({ length: holders }, (_, index) => `holder-${index + 1}`);
    const units = (each: number) => Object.fromEntries(PRODUCTS.map((productId) => [productId, each]));
    this.home = {
      ...{ epoch: 1, pool: units(SUPPLY), cameIn: units(SUPPLY), sold: units(0), returned: units(0) },
      ...{ accounts: {}, inTransit: {}, arrived: [], decided: [], places: [], sales: {}, changes: [] },
      holders: Object.fromEntries(
        this.holderIds.map((id) => [id, { incarnation: 0, contactAtMs: undefined, isFrozen: false, settledEpoch: 1 }]),
      ),
    };
    this.#homeBackup = structuredClone(this.home);
    this.instances = this.holderIds.map((holderId) => {
      const disk: Disk = {
        ...{ holder: NEW_HOLDER, epoch: 1, reportId: '', holdings: {}, grants: [], cursor: 0, log: [], confirmed: 0 },
      };
      const instance: Instance = { holderId, disk, backup: disk, pages: [], replies: [], reading: undefined };
      this.#report(instance);
      return instance;
    });
    // Each holder knows its levels, which are 0.
    this.settleDown();
    for (const instance of this.instances) instance.backup = structuredClone(instance.disk);
  }

  /** The steps. Each does nothing if it is impossible at the moment. */
  readonly steps = {
    sell: ({ holder, product, quantity, other }: Choice) => {
      const instance = this.#instance(holder);
      const { disk } = instance;
      const lines = [{ productId: productOf(product), quantity }];
      // Some sales have a second line, sometimes of the same product.
      if (other % 3 === 0) lines.push({ productId: productOf(other), quantity: 1 });
      const spent = spendLines(disk.holder, new Map(Object.entries(disk.holdings)), lines);
      if (spent.type !== 'spent') return;
      for (const [productId, holding] of spent.holdings) disk.holdings[productId] = holding;
      this.#write(instance, { type: 'sale', lines });
    },
    void: ({ holder, other }: Choice) => {
      const instance = this.#instance(holder);
      const { disk } = instance;
      const sales = disk.log.filter(({ id, act }) => act.type === 'sale' && !this.#broughtBack.has(id));
      const sale = sales[other % (sales.length || 1)];
      if (sale?.act.type !== 'sale') return;
      this.#broughtBack.add(sale.id);
      for (const { productId, quantity } of sale.act.lines) {
        disk.holdings[productId] = restock(disk.holder, holdingOf(disk, productId), quantity);
      }
      this.#write(instance, { type: 'void', saleId: sale.id });
    },
    return: ({ holder, product, quantity, other }: Choice) => {
      const instance = this.#instance(holder);
      const { disk } = instance;
      const productId = productOf(product);
      const isOwnSale = other % 2 === 0;
      if (isOwnSale) disk.holdings[productId] = restock(disk.holder, holdingOf(disk, productId), quantity);
      this.#write(instance, { type: 'return', productId, quantity, isOwnSale });
    },
    'give-back': ({ holder, product, quantity }: Choice) => {
      this.#giveBack(this.#instance(holder), productOf(product), quantity);
    },
    count: ({ holder, product, other }: Choice) => {
      const instance = this.#instance(holder);
      const counted = remainingOf(holdingOf(instance.disk, productOf(product))) + (other % 5) - 2;
      this.#count(instance, productOf(product), Math.max(0, counted));
    },
    fetch: ({ holder, product }: Choice) => {
      const { holderId, disk } = this.#instance(holder);
      const productId = productOf(product);
      const { standing, isFrozen } = disk.holder;
      const state = {
        mayFetch: standing === 'ready' && !isFrozen,
        remaining: remainingOf(holdingOf(disk, productId)),
        onTheWay: 0,
        soldPerDay: 2,
      };
      const quantity = quantityToFetch(state, { leastUnits: 12, coverDays: 3, lowShare: 0.7, mostUnits: 50 });
      if (quantity > 0) this.#fetches.push({ id: this.#newId(), holderId, productId, quantity });
    },
    /** A request of a holder arrives: in any order, and perhaps not for the last time. */
    'decide-fetch': ({ other, quantity }: Choice) => {
      const fetch = this.#fetches[other % (this.#fetches.length || 1)];
      if (fetch === undefined) return;
      if (quantity % 2 === 0) this.#fetches = this.#fetches.filter((each) => each !== fetch);
      this.#grant(fetch);
    },
    /** A request is answered at once. The reply may be lost in a crash, or come after the change. */
    'fetch-now': (choice: Choice) => {
      const instance = this.#instance(choice.holder);
      const before = this.#fetches.length;
      this.steps.fetch(choice);
      const [fetch] = this.#fetches.splice(before);
      if (fetch === undefined) return;
      this.#grant(fetch);
      const granted = this.home.inTransit[fetch.id];
      if (granted !== undefined) instance.replies.push(granted);
    },
    'receive-reply': ({ holder, other }: Choice) => {
      const instance = this.#instance(holder);
      const reply = instance.replies[other % (instance.replies.length || 1)];
      if (reply !== undefined) this.#accept(instance, reply);
    },
    /** The holder is online for a while: everything is sent, and what is new is applied. */
    'be-online': ({ holder }: Choice) => {
      this.#synchronise(this.#instance(holder));
    },
    /** The relay publishes the oldest entries, and perhaps does not learn that the brokers have them. */
    publish: ({ holder, quantity, other }: Choice) => {
      this.#publish(this.#instance(holder), quantity, other % 3 !== 0);
    },
    /** The home decides the first messages of a lane, and perhaps the brokers deliver them again. */
    deliver: ({ holder, quantity, other }: Choice) => {
      this.#deliver(this.#instance(holder).holderId, quantity, other % 3 !== 0);
    },
    'read-changes': ({ holder, quantity }: Choice) => {
      const instance = this.#instance(holder);
      if (this.#learnEpoch(instance)) return;
      this.#readPage(instance, quantity);
    },
    /** A page arrives: in any order, and perhaps not for the last time. */
    'apply-changes': ({ holder, other, quantity }: Choice) => {
      const instance = this.#instance(holder);
      const page = instance.pages[other % (instance.pages.length || 1)];
      if (page === undefined) return;
      if (quantity % 2 === 0) instance.pages = instance.pages.filter((each) => each !== page);
      this.#applyPage(instance, page);
    },
    'read-levels': ({ holder }: Choice) => {
      this.#readLevels(this.#instance(holder));
    },
    report: ({ holder }: Choice) => {
      this.#report(this.#instance(holder));
    },
    crash: ({ holder }: Choice) => {
      const instance = this.#instance(holder);
      forget(instance);
    },
    'back-up': ({ holder }: Choice) => {
      const instance = this.#instance(holder);
      instance.backup = structuredClone(instance.disk);
    },
    /** The disk dies, and the holder goes on with an older copy and knows that. */
    restore: ({ holder, other }: Choice) => {
      const instance = this.#instance(holder);
      const disk = structuredClone(instance.backup);
      const hasCounter = other % 4 !== 0;
      if (!hasCounter) this.mayRepeatIncarnation = true;
      this.#restart(instance, disk, hasCounter ? (this.#counters.get(instance.holderId) ?? 0) : 0);
    },
    /** The whole disk is set back, with the file next to the database: the holder does not notice. */
    'roll-back': ({ holder }: Choice) => {
      const instance = this.#instance(holder);
      instance.disk = structuredClone(instance.backup);
      forget(instance);
      this.isForked = true;
    },
    /** A copy of the holder starts next to it. */
    'start-copy': ({ holder }: Choice) => {
      const { holderId, backup } = this.#instance(holder);
      if (this.instances.length >= this.holderIds.length + 2) return;
      const disk = structuredClone(backup);
      this.instances.push({
        holderId,
        disk,
        backup: structuredClone(disk),
        pages: [],
        replies: [],
        reading: undefined,
      });
      this.isForked = true;
    },
    'sell-from-pool': ({ product, quantity }: Choice) => {
      const productId = productOf(product);
      const { pool, sold } = this.home;
      if (quantity > unitsIn(pool, productId) || !this.#mayUsePool()) return;
      add(pool, productId, -quantity);
      add(sold, productId, quantity);
    },
    'receive-goods': ({ product, quantity }: Choice) => {
      add(this.home.pool, productOf(product), quantity);
      add(this.home.cameIn, productOf(product), quantity);
    },
    recall: ({ holder, product, quantity }: Choice) => {
      const { holderId } = this.#instance(holder);
      this.home.changes.push({ type: 'recalled', holderId, productId: productOf(product), quantity });
    },
    'write-off': ({ holder, product, quantity }: Choice) => {
      this.#writeOff(this.#instance(holder).holderId, productOf(product), quantity);
    },
    settle: ({ holder, product, quantity }: Choice) => {
      const { holderId } = this.#instance(holder);
      this.#settle(holderId, productOf(product), quantity);
    },
    unfreeze: ({ holder }: Choice) => {
      this.#recordOf(this.#instance(holder).holderId).isFrozen = false;
    },
    wait: ({ quantity }: Choice) => {
      this.#nowMs += quantity * 86_400_000;
    },
    'back-up-home': () => {
      this.#homeBackup = structuredClone(this.home);
    },
    /** The home goes on with an older copy. What the lanes hold is not lost; what was decided since the copy is. */
    'restore-home': () => {
      const epoch = this.home.epoch + 1;
      this.home = { ...structuredClone(this.#homeBackup), epoch };
      this.isHomeRestored = true;
    },
    /** A manager writes a holder off that has not reported to a restored home. */
    abandon: ({ holder, product, quantity }: Choice) => {
      const { holderId } = this.#instance(holder);
      const record = this.#recordOf(holderId);
      if (record.settledEpoch === this.home.epoch) return;
      for (const productId of PRODUCTS) this.#writeOff(holderId, productId, this.account(holderId, productId).level);
      const taken = Math.min(quantity, unitsIn(this.home.pool, productOf(product)));
      add(this.home.pool, productOf(product), -taken);
      this.#book(holderId, productOf(product), { writtenOff: taken });
      record.settledEpoch = this.home.epoch;
      record.isFrozen = true;
    },
  };

  account(holderId: string, productId: string): Account {
    return this.home.accounts[`${holderId} ${productId}`] ?? EMPTY_ACCOUNT;
  }

  accountsOf(productId: string): Account[] {
    return this.holderIds.map((holderId) => this.account(holderId, productId));
  }

  /** Units that exist according to the records, less those that came in. R4 states that it is 0. */
  imbalance(productId: string): number {
    const { pool, sold, returned, cameIn, inTransit } = this.home;
    const accounts = this.accountsOf(productId);
    const at = sum(accounts.map(({ level, quarantine, writtenOff }) => level + quarantine + writtenOff));
    const moving = sum(Object.values(inTransit).map((each) => (each.productId === productId ? each.quantity : 0)));
    const open = sum(accounts.map(({ discrepancy }) => discrepancy));
    const units = unitsIn(pool, productId) + at + moving + unitsIn(sold, productId) - unitsIn(returned, productId);
    return units - unitsIn(cameIn, productId) - open;
  }

  /** All copies but one of each holder are switched off, after they have sent what they have. Everybody is online. */
  settleDown(): void {
    for (const instance of this.instances) this.#sendAll(instance);
    this.instances = this.holderIds.map(
      (holderId) => this.instances.find((each) => each.holderId === holderId) as Instance,
    );
    for (const record of Object.values(this.home.holders)) record.isFrozen = false;
    for (let round = 0; round < 3; round += 1) {
      for (const instance of this.instances) {
        forget(instance);
        this.#synchronise(instance);
      }
    }
  }

  /** What people do to have every unit at hand again: give back, count what is there, settle what is open. */
  recoverUnits(): void {
    const giveBackAll = () => {
      for (const instance of this.instances) {
        for (const productId of PRODUCTS) this.#giveBack(instance, productId, this.remaining(instance, productId));
        this.#sendAll(instance);
      }
    };
    giveBackAll();
    for (const instance of this.instances) {
      for (const productId of PRODUCTS) {
        const { level, writtenOff } = this.account(instance.holderId, productId);
        this.#count(instance, productId, level + writtenOff);
        this.#sendAll(instance);
        this.#settle(instance.holderId, productId, this.account(instance.holderId, productId).discrepancy);
      }
    }
    giveBackAll();
  }

  remaining({ disk }: Pick<Instance, 'disk'>, productId: string): number {
    return remainingOf(holdingOf(disk, productId));
  }

  #instance(choice: number): Instance {
    return this.instances[choice % this.instances.length] as Instance;
  }

  #newId(): string {
    return String((this.#ids += 1));
  }

  #write(instance: Instance, act: Act): Entry {
    const { disk, holderId } = instance;
    const { holder, place } = nextEntry(disk.holder);
    const entry = { id: this.#newId(), holderId, place, act };
    disk.holder = holder;
    disk.log.push(entry);
    return entry;
  }

  #report(instance: Instance): void {
    const { id, place } = this.#write(instance, { type: 'report', epoch: instance.disk.epoch });
    if (place.sequence === 1) instance.disk.reportId = id;
    this.#counters.set(instance.holderId, Math.max(place.incarnation, this.#counters.get(instance.holderId) ?? 0));
  }

  #restart(instance: Instance, disk: Disk, known: number): void {
    instance.disk = disk;
    disk.holder = restored(disk.holder, known);
    forget(instance);
    this.#report(instance);
  }

  /** True: the home was restored. The holder then sends all its entries again, reports, and takes over the levels. */
  #learnEpoch(instance: Instance): boolean {
    const { disk } = instance;
    if (disk.epoch === this.home.epoch) return false;
    disk.epoch = this.home.epoch;
    disk.confirmed = 0;
    this.#restart(instance, disk, this.#counters.get(instance.holderId) ?? 0);
    return true;
  }

  #publish(instance: Instance, entries: number, isConfirmed: boolean): void {
    const { disk, holderId } = instance;
    const published = disk.log.slice(disk.confirmed, disk.confirmed + entries);
    this.#laneOf(holderId).push(...published);
    if (isConfirmed) disk.confirmed += published.length;
  }

  #deliver(holderId: string, messages: number, isAcknowledged: boolean): void {
    const lane = this.#laneOf(holderId);
    for (const entry of lane.slice(0, messages)) this.#decide(entry);
    if (isAcknowledged) lane.splice(0, messages);
  }

  #sendAll(instance: Instance): void {
    this.#publish(instance, instance.disk.log.length, true);
    this.#deliver(instance.holderId, Infinity, true);
  }

  #synchronise(instance: Instance): void {
    this.#learnEpoch(instance);
    this.#sendAll(instance);
    while (instance.disk.holder.standing === 'waiting') this.#readLevels(instance);
    this.#readPage(instance, this.home.changes.length);
    for (const page of instance.pages) this.#applyPage(instance, page);
    this.#sendAll(instance);
  }

  #laneOf(holderId: string): Entry[] {
    const lane = this.#lanes.get(holderId) ?? [];
    this.#lanes.set(holderId, lane);
    return lane;
  }

  #giveBack(instance: Instance, productId: string, quantity: number): void {
    const { disk } = instance;
    const change = giveBack(disk.holder, holdingOf(disk, productId), quantity);
    if (change.type !== 'changed' || quantity === 0) return;
    disk.holdings[productId] = change.holding;
    this.#write(instance, { type: 'give-back', productId, quantity });
  }

  #count(instance: Instance, productId: string, counted: number): void {
    const { disk } = instance;
    const holding = holdingOf(disk, productId);
    const change = count(disk.holder, holding, counted);
    if (change.type === 'waiting') return;
    disk.holdings[productId] = change.holding;
    this.#write(instance, { type: 'count', productId, expected: remainingOf(holding), counted });
  }

  #accept(instance: Instance, { id, productId, quantity }: Omit<Fetch, 'holderId'>): void {
    const { disk } = instance;
    const holding = accept(disk.holder, holdingOf(disk, productId), quantity, disk.grants.includes(id));
    if (holding === undefined) return;
    disk.holdings[productId] = holding;
    disk.grants.push(id);
    this.#write(instance, { type: 'accept', grantId: id, productId, quantity });
  }

  #readPage({ disk, pages }: Instance, changes: number): void {
    const { epoch } = this.home;
    if (disk.holder.standing === 'waiting') return;
    pages.push({ epoch, from: disk.cursor, changes: this.home.changes.slice(disk.cursor, disk.cursor + changes) });
  }

  #applyPage(instance: Instance, { epoch, from, changes }: Page): void {
    const { disk, holderId } = instance;
    if (disk.holder.standing === 'waiting' || epoch !== disk.epoch || from > disk.cursor) return;
    for (const change of changes.slice(disk.cursor - from)) {
      disk.cursor += 1;
      if (change.holderId !== holderId) continue;
      const { productId, quantity } = change;
      const holding = holdingOf(disk, productId);
      switch (change.type) {
        case 'granted':
          this.#accept(instance, { id: change.grantId, productId, quantity });
          break;
        case 'recalled':
          this.#giveBack(instance, productId, recallable(disk.holder, holding, quantity));
          break;
        case 'written-off':
          disk.holdings[productId] = afterWriteOff(holding, quantity);
      }
    }
  }

  /** Reads the level of one more product. Each is a page of its own, and other steps happen in between. */
  #readLevels(instance: Instance): void {
    const { disk, holderId } = instance;
    if (disk.holder.standing === 'ready' || this.#learnEpoch(instance)) return;
    const { epoch, changes, decided, inTransit } = this.home;
    if (instance.reading?.epoch !== epoch || instance.reading.reportId !== disk.reportId) {
      const containsReport = decided.includes(disk.reportId);
      instance.reading = {
        ...{ epoch, reportId: disk.reportId, position: changes.length, containsReport },
        ...{ levels: new Map<string, number>(), inTransit: [] },
      };
    }
    const { reading } = instance;
    const productId = PRODUCTS[reading.levels.size] as string;
    reading.levels.set(productId, this.account(holderId, productId).level);
    const grants = Object.values(inTransit).filter((each) => each.holderId === holderId);
    reading.inTransit.push(...grants.filter((each) => each.productId === productId));
    if (reading.levels.size < PRODUCTS.length) return;
    instance.reading = undefined;
    const taken = takeOver(disk.holder, reading.levels, reading.containsReport);
    if (taken === undefined) return;
    disk.holder = taken.holder;
    disk.holdings = Object.fromEntries(taken.holdings);
    disk.cursor = reading.position;
    for (const grant of reading.inTransit) this.#accept(instance, grant);
  }

  #recordOf(holderId: string): KnownHolder {
    return this.home.holders[holderId] as KnownHolder;
  }

  #mayUsePool(): boolean {
    const { epoch, holders } = this.home;
    const records = Object.values(holders);
    const isAllowed = mayUsePool(records.map(({ settledEpoch }) => ({ awaitedEpoch: epoch, settledEpoch })));
    if (isAllowed && records.some(({ settledEpoch }) => settledEpoch !== epoch)) this.wrongUses.push(epoch);
    return isAllowed;
  }

  #grant(fetch: Fetch): void {
    const { id, holderId, productId } = fetch;
    const { decided, arrived, pool, inTransit, changes } = this.home;
    // A restored home may learn of a grant's acceptance before a late copy of its request arrives.
    if (decided.includes(id) || arrived.includes(id)) return;
    decided.push(id);
    const record = this.#recordOf(holderId);
    const silenceMs = SILENCE_DAYS * 86_400_000;
    const quantity = grantOf({ available: unitsIn(pool, productId), asked: fetch.quantity });
    if (quantity === 0 || !this.#mayUsePool()) return;
    if (whyNoUnits(record, this.#nowMs, silenceMs) !== undefined) return;
    const isSilent = record.contactAtMs === undefined || record.contactAtMs + silenceMs < this.#nowMs;
    if (record.isFrozen || isSilent) this.wrongGrants.push(holderId);
    add(pool, productId, -quantity);
    inTransit[id] = { id, holderId, productId, quantity };
    changes.push({ type: 'granted', grantId: id, holderId, productId, quantity });
  }

  #writeOff(holderId: string, productId: string, quantity: number): void {
    const booking = bookWriteOff(this.account(holderId, productId), quantity);
    if (booking.type !== 'booked' || quantity === 0) return;
    this.#book(holderId, productId, booking.deltas);
    this.home.changes.push({ type: 'written-off', holderId, productId, quantity });
  }

  #settle(holderId: string, productId: string, quantity: number): void {
    const booking = bookSettlement(this.account(holderId, productId), quantity);
    if (booking.type !== 'booked') return;
    this.#book(holderId, productId, booking.deltas);
    add(this.home.cameIn, productId, quantity);
  }

  #book(holderId: string, productId: string, deltas: AccountDeltas): void {
    this.home.accounts[`${holderId} ${productId}`] = applied(this.account(holderId, productId), deltas);
  }

  #decide(entry: Entry): void {
    const { id, holderId, place, act } = entry;
    const { home } = this;
    if (home.decided.includes(id)) return;
    home.decided.push(id);
    const record = this.#recordOf(holderId);
    const key = `${holderId} ${place.incarnation} ${place.sequence}`;
    const judgement = judgeEntry(record, place, home.places.includes(key));
    if (judgement.type === 'fork') record.isFrozen = true;
    const showsFork = home.places.includes(key) || place.incarnation < record.incarnation;
    if (showsFork && !record.isFrozen) this.missedForks.push(id);
    home.places.push(key);
    record.contactAtMs = this.#nowMs;
    switch (act.type) {
      case 'report':
        if (judgement.type === 'new-incarnation') record.incarnation = place.incarnation;
        if (act.epoch === home.epoch) record.settledEpoch = act.epoch;
        break;
      case 'sale':
        home.sales[id] = { entry, isVoided: false };
        for (const { productId, quantity } of act.lines) {
          this.#book(holderId, productId, bookSale(this.account(holderId, productId), quantity).deltas);
          add(home.sold, productId, quantity);
        }
        break;
      case 'void': {
        const sale = home.sales[act.saleId];
        if (sale?.entry.act.type !== 'sale' || sale.isVoided) break;
        sale.isVoided = true;
        for (const { productId, quantity } of sale.entry.act.lines) {
          this.#book(holderId, productId, bookVoid(this.account(holderId, productId), quantity).deltas);
          add(home.sold, productId, -quantity);
        }
        break;
      }
      case 'return':
        this.#book(holderId, act.productId, bookReturn(act.quantity, act.isOwnSale).deltas);
        add(home.returned, act.productId, act.quantity);
        break;
      case 'accept':
        this.#arrive(holderId, act);
        break;
      case 'give-back': {
        const booking = bookGiveBack(this.account(holderId, act.productId), act.quantity);
        if (booking.type !== 'booked') break;
        this.#book(holderId, act.productId, booking.deltas);
        add(home.pool, act.productId, act.quantity);
        break;
      }
      case 'count': {
        const account = this.account(holderId, act.productId);
        const { deltas } = bookCount(account, act.expected, act.counted);
        this.#book(holderId, act.productId, deltas);
        const { level = 0, writtenOff = 0, discrepancy = 0 } = deltas;
        add(home.cameIn, act.productId, level + writtenOff - discrepancy);
      }
    }
  }

  #arrive(holderId: string, { grantId, productId, quantity }: Act & { readonly type: 'accept' }): void {
    const { home } = this;
    if (home.arrived.includes(grantId)) return;
    home.arrived.push(grantId);
    if (home.inTransit[grantId] !== undefined) {
      delete home.inTransit[grantId];
      this.#book(holderId, productId, { level: quantity });
      return;
    }
    const isSettled = this.#recordOf(holderId).settledEpoch === home.epoch;
    const found = forgottenGrant(unitsIn(home.pool, productId), quantity, isSettled);
    add(home.pool, productId, -found);
    this.#book(holderId, productId, { level: found });
  }
}

/** What a process loses in a crash. */
function forget(instance: Instance): void {
  instance.pages = [];
  instance.replies = [];
  instance.reading = undefined;
}

function productOf(choice: number): string {
  return PRODUCTS[choice % PRODUCTS.length] as string;
}

function holdingOf({ holdings }: Disk, productId: string): Holding {
  return holdings[productId] ?? EMPTY_HOLDING;
}

function unitsIn(units: Units, productId: string): number {
  return units[productId] as number;
}

function add(units: Units, productId: string, quantity: number): void {
  units[productId] = unitsIn(units, productId) + quantity;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
