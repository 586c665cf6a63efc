import {
  CENTRAL,
  COMMAND_DAYS_MAX,
  stampFrom,
  type Actor,
  type RefusalReason,
  type Stamp,
  type Topic,
} from '@eco/contracts';
import { originOf, type Origin } from './authority.js';
import { Buckets } from './buckets.js';
import { Carts } from './carts/carts.js';
import { Catalogue } from './catalogue/catalogue.js';
import { Customers } from './customers/customers.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { noEffects, type Effects } from './effects.js';
import { Orders } from './orders/orders.js';
import type { OutcomeRow, StoredOutcome } from './outcomes/outcome.js';
import type { Tombstone, TombstoneRow } from './outcomes/tombstone.js';
import { Holders } from './quotas/holders.js';
import { Reservations } from './reservations/reservations.js';
import { Sales } from './sales/sales.js';
import { stampReader } from './stamp-reader.js';
import type { BatchState } from './state.js';
import { StockLedger } from './stock/stock-ledger.js';
import { Transfers } from './transfers/transfers.js';

const DAY_MS = 86_400_000;

/**
 * The state while a batch is decided: as loaded, plus what earlier commands did. The rows to store are the working
 * copies themselves, one per key however often it changes. Loaded state is never modified.
 */
export class WorkingState {
  readonly effects = noEffects();
  /** The group's clock for this batch, ISO 8601. */
  readonly at: string;
  /** The same, ms since 1970. */
  readonly atMs: number;
  /** Stamp below which a command is too old to be carried out. */
  readonly oldestStamp: string;
  readonly buckets: Buckets;
  readonly stock: StockLedger;
  readonly catalogue: Catalogue;
  readonly customers: Customers;
  readonly carts: Carts;
  readonly orders: Orders;
  readonly reservations: Reservations;
  readonly transfers: Transfers;
  readonly holders: Holders;
  readonly sales: Sales;
  readonly deadLetters: DeadLetters;
  readonly locations: BatchState['locations'];

  readonly #outcomes = new Map<string, OutcomeRow>();
  readonly #tombstones = new Map<string, Tombstone[]>();
  readonly #senders = new Map<string, Origin>();
  readonly #places = new Map<Topic, number>();
  readonly #readStamp = stampReader();
  readonly #stored: BatchState;

  constructor(stored: BatchState) {
    this.#stored = stored;
    this.at = stored.at;
    this.atMs = Date.parse(stored.at);
    this.oldestStamp = stampFrom(this.atMs - COMMAND_DAYS_MAX * DAY_MS);
    this.buckets = new Buckets(stored);
    this.stock = new StockLedger(stored.levels, this.buckets, this.effects);
    this.catalogue = new Catalogue(stored.products, this.buckets, this.effects);
    this.customers = new Customers(stored, this.effects);
    this.carts = new Carts(stored.carts, this.buckets, this.effects, stored.at);
    this.orders = new Orders(stored.orders, this.effects);
    this.reservations = new Reservations(stored, this.buckets, this.effects);
    this.transfers = new Transfers(stored.transfers, this.buckets, this.effects);
    this.holders = new Holders(stored, this.buckets, this.effects);
    this.sales = new Sales(stored, this.effects);
    this.deadLetters = new DeadLetters(stored.deadLetters, this.effects);
    this.locations = stored.locations;
  }

  /** Time at which a command was made, by its sender's clock, but not later than its decision. ISO 8601. */
  madeAt(stamp: Stamp): string {
    const made = this.#readStamp(stamp);
    // Both have milliseconds, so text order is time order.
    return made > this.at ? this.at : made;
  }

  /** Number of the next outcome within (batch, topic), from 1. */
  nextPlace(topic: Topic): number {
    const place = (this.#places.get(topic) ?? 0) + 1;
    this.#places.set(topic, place);
    return place;
  }

  outcomeOf(commandId: string): StoredOutcome | undefined {
    return this.#outcomes.get(commandId) ?? this.#stored.outcomes.get(commandId);
  }

  addOutcome(row: OutcomeRow): void {
    this.#outcomes.set(row.commandId, row);
    this.effects.outcomes.push(row);
  }

  /**
   * The reason for refusing this owner's command. Undefined: no tombstone that binds the owner was left before the
   * command arrived.
   */
  tombstoneOf(commandId: string, owner: string): RefusalReason | undefined {
    return this.#tombstonesOf(commandId).find(({ author }) => author === CENTRAL || author === owner)?.reason;
  }

  /** Whether the command has a tombstone of any author. */
  hasTombstone(commandId: string): boolean {
    return this.#tombstonesOf(commandId).length > 0;
  }

  addTombstone({ commandId, author, bucket, reason }: TombstoneRow): void {
    const others = this.#tombstonesOf(commandId);
    if (others.some((other) => other.author === author)) return;
    this.#tombstones.set(commandId, [...others, { author, reason }]);
    this.effects.tombstones.push({ commandId, author, bucket, reason });
  }

  #tombstonesOf(commandId: string): readonly Tombstone[] {
    return this.#tombstones.get(commandId) ?? this.#stored.tombstones.get(commandId) ?? [];
  }

  /** Origin of a command. Few users send the commands of a batch, so each name is parsed once. */
  originOf(user: string | null, actor: Actor | undefined): Origin {
    let origin = this.#senders.get(user ?? '');
    if (origin === undefined) this.#senders.set(user ?? '', (origin = originOf(user, undefined)));
    return actor === undefined ? origin : { ...origin, actor };
  }

  /** The effects of the batch. Call it when every command is decided. */
  finish(): Effects {
    this.stock.addMovements();
    this.carts.addItems();
    this.reservations.addHolds();
    return this.effects;
  }
}
