import type { Log } from '@eco/base';
import { changeData, type ChangeData, type ChangeType, type ReceivedChange, type Topic } from '@eco/contracts';
import { accept, afterWriteOff, recallable, restored, takeOver, whenReported } from '@eco/domain';
import type { BackOrders } from './back-orders.js';
import type { Catalogue } from './catalogue.js';
import { holdingOf, storeHolding } from './holdings.js';
import { pagesOfRequest, type Recorder, type Step } from './recorder.js';
import type { ChangesPage, Frozen, RecordedLevels, Recorded, Transfer } from './types.js';

const REPORT_PAGES = pagesOfRequest(0, 0);
/** Pages that a change may write: its own row, the units, and an entry of the outbox. */
const PAGES_PER_CHANGE = 6;
/** Rows of levels that fit in a page, at least. */
const LEVELS_PER_PAGE = 20;

interface HomeLinkParts {
  readonly recorder: Recorder;
  readonly catalogue: Catalogue;
  readonly backOrders: BackOrders;
  readonly log?: Log | undefined;
}

/** What the branch sends to its home about itself, and what it takes from there. */
export class HomeLink {
  readonly #recorder: Recorder;
  readonly #catalogue: Catalogue;
  readonly #backOrders: BackOrders;
  readonly #log: Log | undefined;
  #contactAt: string | null = null;

  constructor(parts: HomeLinkParts) {
    this.#recorder = parts.recorder;
    this.#catalogue = parts.catalogue;
    this.#backOrders = parts.backOrders;
    this.#log = parts.log;
  }

  /** Time of the last contact with the home, by the branch's clock. */
  get contactAt(): string | null {
    const stored = this.#recorder.sql.get<{ contact_at: string | null }>('SELECT contact_at FROM branch');
    return this.#contactAt ?? stored?.contact_at ?? null;
  }

  noteContact(): void {
    this.#contactAt = this.#recorder.nowText;
  }

  /**
   * Reports to the home. `recordedIncarnation`: the incarnation that the home has recorded, 0 for none. The first report
   * of an incarnation needs it: if the home knows this incarnation already, another database has used it, and this one
   * takes the next. `frozen`: the first report needs to know the home's record.
   */
  report(recordedIncarnation?: number): Promise<Recorded<{ readonly incarnation: number }, Frozen>> {
    return this.#recorder.write<{ readonly incarnation: number }, Frozen>(REPORT_PAGES, (step) => {
      if (step.holder.sequence === 0) {
        if (recordedIncarnation === undefined) return { type: 'refused', refusal: { reason: 'frozen' } };
        if (recordedIncarnation >= step.holder.incarnation) step.holder = restored(step.holder, recordedIncarnation);
        step.syncCounter();
      }
      this.#recorder.sql.run('UPDATE branch SET contact_at = ?', step.nowText);
      const id = this.#recorder.newId(this.#recorder.branchId);
      const { homeEpoch } = this.#recorder;
      step.entry('branch.report', id, { ...(homeEpoch !== null && { homeEpoch }) }, { correlationId: id });
      return { type: 'done', value: { incarnation: step.holder.incarnation }, repeated: false };
    });
  }

  /**
   * The home was restored and has forgotten entries and grants. So the branch sends everything again that it has kept,
   * in its order, and begins a new incarnation: until it has taken over the home's levels, it sells nothing from quota.
   */
  beginHomeEpoch(homeEpoch: string): Promise<Recorded<object>> {
    return this.#recorder.write<object, never>(REPORT_PAGES, (step) => {
      if (this.#recorder.homeEpoch === homeEpoch) return { type: 'done', value: {}, repeated: true };
      step.holder = restored(step.holder, 0);
      this.#recorder.sql.run('UPDATE branch SET home_epoch = ?, is_restored = 1', homeEpoch);
      step.sendAgain();
      step.syncCounter();
      return { type: 'done', value: {}, repeated: false };
    });
  }

  /**
   * Takes over the levels that the home has recorded; from now on the branch sells from them. `taken` is false if they
   * are of another incarnation, or if the branch has taken over levels before.
   */
  takeOverLevels(recorded: RecordedLevels): Promise<Recorded<{ readonly taken: boolean }>> {
    const { sql } = this.#recorder;
    const { incarnation, levels, inTransit = [], cursor } = recorded;
    const pages = REPORT_PAGES + Math.ceil(levels.length / LEVELS_PER_PAGE) + PAGES_PER_CHANGE * inTransit.length;
    return this.#recorder.write<{ readonly taken: boolean }, never>(pages, (step) => {
      const isOurs = incarnation === step.holder.incarnation && step.holder.standing === 'waiting';
      const onHand = new Map(levels.map(({ productId, onHand }) => [productId, onHand]));
      const taken = takeOver(step.holder, onHand, isOurs && step.holder.sequence > 0);
      if (taken === undefined) return { type: 'done', value: { taken: false }, repeated: true };
      step.holder = taken.holder;
      // The rows stay: the branch asks for units of products that it has held.
      sql.run('UPDATE quotas SET granted = 0, spent = 0');
      sql.run('DELETE FROM fetches');
      for (const [productId, holding] of taken.holdings) storeHolding(sql, productId, holding);
      // What had arrived is in the levels. What is on its way comes again.
      sql.run("UPDATE transfers SET status = 'received' WHERE status = 'expected'");
      for (const transfer of inTransit) {
        sql.run('DELETE FROM transfers WHERE transfer_id = ?', transfer.transferId);
        this.#arrive(step, transfer);
      }
      this.#moveCursor('quotas', cursor);
      sql.run('UPDATE branch SET is_restored = 0, contact_at = ?', step.nowText);
      step.syncCounter();
      return { type: 'done', value: { taken: true }, repeated: false };
    });
  }

  cursor(topic: Topic): string | null {
    const row = this.#recorder.sql.get<{ cursor: string }>('SELECT cursor FROM cursors WHERE topic = ?', topic);
    return row?.cursor ?? null;
  }

  /**
   * Applies a page of changes, and moves the cursor in the same transaction. `applied` is false, and nothing changes, if
   * the page was not read from the branch's cursor, or if it is of `quotas` and the branch has not taken over its levels.
   */
  applyChanges(page: ChangesPage): Promise<Recorded<{ readonly applied: boolean }>> {
    const { topic, changes, after, next } = page;
    this.noteContact();
    if (changes.length === 0 && next === after) {
      return Promise.resolve({ type: 'done', value: { applied: true }, repeated: true });
    }
    const pages = REPORT_PAGES + PAGES_PER_CHANGE * changes.length;
    return this.#recorder.write<{ readonly applied: boolean }, never>(pages, (step) => {
      const isWaiting = topic === 'quotas' && step.holder.standing === 'waiting';
      if (isWaiting || this.cursor(topic) !== after) return { type: 'done', value: { applied: false }, repeated: true };
      for (const change of changes) this.#apply(step, change);
      this.#recorder.at('applied');
      this.#moveCursor(topic, next);
      this.#recorder.sql.run('UPDATE branch SET contact_at = ?', step.nowText);
      return { type: 'done', value: { applied: true }, repeated: false };
    });
  }

  /** Sets a cursor back after a failover of the home's database. Changes that were applied are not applied again. */
  resetCursor(topic: Topic, cursor: string): Promise<Recorded<object>> {
    return this.#recorder.write(REPORT_PAGES, () => {
      this.#moveCursor(topic, cursor);
      return { type: 'done', value: {}, repeated: false };
    });
  }

  #moveCursor(topic: Topic, cursor: string): void {
    this.#recorder.sql.run(
      'INSERT INTO cursors VALUES (?, ?) ON CONFLICT (topic) DO UPDATE SET cursor = excluded.cursor',
      topic,
      cursor,
    );
  }

  /** A change of a type that only a newer home knows is passed over. */
  #apply(step: Step, change: ReceivedChange): void {
    const apply = appliers[change.type as ChangeType] as Applier | undefined;
    if (apply === undefined) return;
    const data = changeData[change.type as ChangeType].safeParse(change.data);
    if (!data.success) {
      this.#log?.error(
        { change, error: data.error.message },
        'a change that this version can not read was passed over',
      );
      return;
    }
    apply({ link: this, step, change, data: data.data });
  }

  applyProduct(data: ChangeData<'product.updated'>): void {
    this.#catalogue.store(data);
  }

  applyDeletion(data: ChangeData<'product.deleted'>): void {
    this.#catalogue.delete(data);
  }

  applyDecision(...[order, status, decidedAt]: Parameters<BackOrders['decide']>): void {
    this.#backOrders.decide(order, status, decidedAt);
  }

  applyTransfer(step: Step, change: ReceivedChange, data: Omit<Transfer, 'status' | 'at'>, to: string): void {
    if (to === this.#recorder.branchId && this.#isNew(change)) this.#arrive(step, { ...data, at: change.at });
  }

  /** The branch returns the units that it can spare, by its own act. */
  applyRecall(step: Step, change: ReceivedChange, data: ChangeData<'quota.recalled'>): void {
    const { sql, branchId } = this.#recorder;
    const { productId, recallId } = data;
    if (data.branchId !== branchId || !this.#isNew(change)) return;
    const holding = holdingOf(sql, productId);
    const quantity = recallable(step.holder, holding, data.quantity);
    if (quantity === 0) return;
    storeHolding(sql, productId, { ...holding, granted: holding.granted - quantity });
    const id = this.#recorder.newId(branchId);
    step.entry('quota.give-back', id, { productId, quantity, recallId }, { correlationId: recallId });
  }

  applyWriteOff(change: ReceivedChange, { branchId, productId, quantity }: ChangeData<'quota.written-off'>): void {
    const { sql } = this.#recorder;
    if (branchId !== this.#recorder.branchId || !this.#isNew(change)) return;
    storeHolding(sql, productId, afterWriteOff(holdingOf(sql, productId), quantity));
  }

  applyReport(step: Step, { branchId, incarnation }: ChangeData<'branch.reported'>): void {
    if (branchId !== this.#recorder.branchId) return;
    const holder = whenReported(step.holder, incarnation);
    if (holder.standing !== step.holder.standing) {
      this.#log?.error(
        { own: holder.incarnation, reported: incarnation },
        'another database of this branch has reported: this one sells nothing from quota any more',
      );
    }
    step.holder = holder;
  }

  applyUnfreeze(step: Step, { branchId }: ChangeData<'branch.unfrozen'>): void {
    if (branchId === this.#recorder.branchId) step.holder = { ...step.holder, isFrozen: false };
  }

  /** A grant is spendable once it is stored. Goods that a person has sent wait for a person who receives them. */
  #arrive(step: Step, { transferId, productId, quantity, kind, at }: Omit<Transfer, 'status'>): void {
    const { sql, branchId } = this.#recorder;
    const isKnown = sql.get('SELECT 1 FROM transfers WHERE transfer_id = ?', transferId) !== undefined;
    if (isKnown) return;
    const store = (status: Transfer['status']) =>
      sql.run('INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)', transferId, productId, quantity, kind, status, at);
    if (kind === 'sent') {
      store('expected');
      return;
    }
    const holding = accept(step.holder, holdingOf(sql, productId), quantity, isKnown);
    if (holding === undefined) return;
    store('received');
    storeHolding(sql, productId, holding);
    sql.run('DELETE FROM fetches WHERE product_id = ?', productId);
    const id = this.#recorder.newId(branchId);
    step.entry('quota.accept', id, { transferId, productId, quantity }, { correlationId: transferId });
    step.syncCounter();
  }

  /** Whether the change was not applied before; it is from now on. */
  #isNew({ commandId, type }: ReceivedChange): boolean {
    return this.#recorder.sql.run('INSERT OR IGNORE INTO applied VALUES (?, ?)', commandId, type) > 0;
  }
}

interface Applying<Data> {
  readonly link: HomeLink;
  readonly step: Step;
  readonly change: ReceivedChange;
  readonly data: Data;
}
type Applier = (applying: Applying<unknown>) => void;
type Appliers = { readonly [T in ChangeType]?: (applying: Applying<ChangeData<T>>) => void };

/** What the branch does with each type of change. It ignores the others. */
const appliers: Appliers = {
  'product.created': ({ link, data }) => link.applyProduct(data),
  'product.updated': ({ link, data }) => link.applyProduct(data),
  'product.deleted': ({ link, data }) => link.applyDeletion(data),
  'order.confirmed': ({ link, change, data }) => link.applyDecision(data, 'confirmed', change.at),
  'order.rejected': ({ link, change, data }) => link.applyDecision(data, 'rejected', change.at),
  'order.cancelled': ({ link, change, data }) => link.applyDecision(data, 'cancelled', change.at),
  'order.fulfilled': ({ link, change, data }) => link.applyDecision(data, 'fulfilled', change.at),
  'quota.granted': ({ link, step, change, data }) => {
    link.applyTransfer(step, change, { ...data, kind: 'granted' }, data.branchId);
  },
  'transfer.sent': ({ link, step, change, data }) => {
    link.applyTransfer(step, change, { ...data, kind: 'sent' }, data.branchId);
  },
  'quota.recalled': ({ link, step, change, data }) => link.applyRecall(step, change, data),
  'quota.written-off': ({ link, change, data }) => link.applyWriteOff(change, data),
  'branch.reported': ({ link, step, data }) => link.applyReport(step, data),
  'branch.unfrozen': ({ link, step, data }) => link.applyUnfreeze(step, data),
};
