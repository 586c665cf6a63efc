import { randomUUID } from 'node:crypto';
import { isEntry, type Command, type CommandOf, type EntryKind, type ReceivedChange } from '@eco/contracts';
import {
  applied,
  bookCount,
  bookGiveBack,
  bookReturn,
  bookSale,
  bookVoid,
  bookWriteOff,
  EMPTY_ACCOUNT,
  type Account,
} from '@eco/domain';
import type { BranchDatabase } from '../branch-database.js';
import { BRANCH, change, valueOf } from './shop.js';

type SoldLine = Readonly<Record<'productId', string>> & Readonly<Record<'quantity', number>>;

/** The head office as one branch sees it: it books entries by the functions of the writer, and publishes changes. */
export class Home {
  incarnation = 0;
  readonly #accounts = new Map<string, Account>();
  readonly #changes: ReceivedChange[] = [];
  readonly #inTransit = new Map<string, { productId: string; quantity: number; kind: 'sent' | 'granted' }>();
  readonly #decided = new Set<string>();
  readonly #places = new Set<string>();
  readonly #sales = new Map<string, readonly SoldLine[]>();

  account(productId: string): Account {
    return this.#accounts.get(productId) ?? EMPTY_ACCOUNT;
  }

  /** Takes up to this number of commands out of each lane, and decides each once. */
  receive(branch: BranchDatabase, most: number, isConfirmed: boolean): void {
    for (const lane of branch.outbox.queues) {
      const head = branch.outbox.head(lane, most);
      for (const { text } of head) this.#decide(JSON.parse(text) as Command);
      if (isConfirmed) branch.outbox.remove(lane, head);
    }
  }

  /** Lets the branch apply up to this number of changes. */
  async publish(branch: BranchDatabase, most: number): Promise<void> {
    const after = branch.home.cursor('quotas');
    const from = Number(after ?? 0);
    const changes = this.#changes.slice(from, from + most);
    const next = String(from + changes.length);
    if (changes.length > 0) await branch.home.applyChanges({ topic: 'quotas', changes, after, next });
  }

  /** The branch takes over what is recorded of it, if that contains its report. */
  async handOver(branch: BranchDatabase): Promise<void> {
    const levels = [...this.#accounts].map(([productId, { level: onHand }]) => ({ productId, onHand }));
    const inTransit = [...this.#inTransit].map(([transferId, transfer]) => ({
      ...{ transferId, ...transfer, at: new Date().toISOString() },
    }));
    const { incarnation } = this;
    await branch.home.takeOverLevels({ incarnation, cursor: String(this.#changes.length), levels, inTransit });
  }

  send(productId: string, quantity: number): void {
    const transferId = randomUUID();
    this.#inTransit.set(transferId, { productId, quantity, kind: 'sent' });
    this.#publish('transfer.sent', { transferId, branchId: BRANCH, productId, from: 'central', quantity });
  }

  recall(productId: string, quantity: number): void {
    this.#publish('quota.recalled', { recallId: randomUUID(), branchId: BRANCH, productId, quantity });
  }

  writeOff(productId: string, quantity: number): void {
    const booking = bookWriteOff(this.account(productId), quantity);
    if (booking.type === 'too-few') return;
    this.#accounts.set(productId, applied(this.account(productId), booking.deltas));
    this.#publish('quota.written-off', { branchId: BRANCH, productId, quantity, reason: 'a test' });
  }

  #publish(type: string, data: Record<string, unknown>): void {
    this.#changes.push(change(type, data));
  }

  #decide(command: Command): void {
    if (this.#decided.has(command.id)) return;
    this.#decided.add(command.id);
    if (isEntry(command)) return this.#book(command);
    if (command.kind !== 'quota.fetch') throw new Error(`a branch sent ${command.kind}`);
    const { transferId, productId, quantity } = command.body;
    this.#inTransit.set(transferId, { productId, quantity, kind: 'granted' });
    this.#publish('quota.granted', { transferId, branchId: BRANCH, productId, quantity });
  }

  #book(command: CommandOf<EntryKind>): void {
    const { incarnation, sequence } = command.body;
    const place = `${incarnation}.${sequence}`;
    if (this.#places.has(place)) throw new Error(`two entries have the place ${place}`);
    if (incarnation < this.incarnation) throw new Error(`entry ${place} came after incarnation ${this.incarnation}`);
    this.#places.add(place);
    this.incarnation = incarnation;
    switch (command.kind) {
      case 'sale.record':
        this.#sales.set(command.body.saleId, command.body.lines);
        return command.body.lines.forEach((line) => this.#move(line, bookSale));
      case 'sale.void':
        return this.#sales.get(command.body.saleId)?.forEach((line) => this.#move(line, bookVoid));
      case 'sale.return': {
        const isOwn = command.body.saleId !== null;
        return command.body.lines.forEach((line) => this.#move(line, (_, quantity) => bookReturn(quantity, isOwn)));
      }
      case 'quota.accept':
        return this.#arrive(command.body.transferId);
      case 'quota.give-back':
        return this.#move(command.body, bookGiveBack);
      case 'quota.count': {
        const { productId, expected, counted } = command.body;
        return this.#move({ productId, quantity: 0 }, (account) => bookCount(account, expected, counted));
      }
      case 'branch.report':
      case 'shift.close':
        return;
    }
  }

  #arrive(transferId: string): void {
    const transfer = this.#inTransit.get(transferId);
    if (transfer === undefined) throw new Error(`the transfer ${transferId} arrived twice`);
    this.#inTransit.delete(transferId);
    this.#move(transfer, (_, quantity) => ({ type: 'booked', deltas: { level: quantity } }));
  }

  #move(
    { productId, quantity }: SoldLine,
    book: (account: Account, quantity: number) => ReturnType<typeof bookGiveBack>,
  ): void {
    const booking = book(this.account(productId), quantity);
    if (booking.type === 'too-few') throw new Error(`${booking.asked} units of ${productId} came, of ${booking.found}`);
    this.#accounts.set(productId, applied(this.account(productId), booking.deltas));
  }
}

/** What the feed does whenever the line is there: it delivers, reports and takes over. */
export async function goOnline(branch: BranchDatabase, home: Home): Promise<void> {
  const deliver = () => {
    while (branch.outbox.queues.length > 0) home.receive(branch, 50, true);
  };
  if (branch.status.frozen !== undefined) {
    valueOf(await branch.home.report(home.incarnation));
    deliver();
    await home.handOver(branch);
  }
  deliver();
}
