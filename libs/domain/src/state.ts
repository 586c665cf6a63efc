import type {
  CommandKind,
  OrderLine,
  OrderStatus,
  OutcomeStatus,
  PricedLine,
  RefusalReason,
  ReservationStatus,
  Stamp,
} from '@eco/contracts';
import type { GroupPosition } from '@eco/routing';

/** What a batch must load: the keys that its commands touch. Lists have no duplicates. */
export interface NeededKeys {
  commandIds: string[];
  /** Products named by commands. Products in carts to be checked out are loaded by `checkOutCustomerIds`. */
  productIds: string[];
  /** Customers whose existence matters. */
  customerIds: string[];
  /** Customers whose carts are edited, cleared or checked out. */
  cartCustomerIds: string[];
  /** Those who check out: the products in their carts are loaded too, with their levels. */
  checkOutCustomerIds: string[];
  /** Orders that may change, with the levels that they hold. */
  orderIds: string[];
  /** Reservations that may change, with the levels that they hold. Due ones are loaded anyway. */
  reservationIds: string[];
  transferIds: string[];
  /** Products whose levels are needed at every location, not only at `central`. */
  stockProductIds: string[];
  locations: string[];
}

/** Keys of existing data that did not fit in this batch's load. */
export type KeysLeftOut = Readonly<Record<'orderIds' | 'reservationIds' | 'cartCustomerIds', ReadonlySet<string>>>;

export interface StoredOutcome {
  /** SHA-256 of the canonical body, hex. */
  bodyHash: string;
  status: OutcomeStatus;
  result: Record<string, unknown>;
}

/** `open` until it is replayed with success, or discarded. */
export type DeadLetterState = 'open' | 'replayed' | 'discarded';

/** A command that could not be processed, without its content. Keyed by command id and `bodyHash`. */
export interface DeadLetter {
  commandId: string;
  bodyHash: string;
  state: DeadLetterState;
  /** Null: the kind is unknown. */
  kind: CommandKind | null;
  /** Null: unreadable, so unknown. */
  bucket: number | null;
  errorClass: DeadLetterClass;
  /** Where it failed, in few words; equal failures have equal text. */
  failureSite: string;
  reason: string;
  /** Number of failed tries. */
  tries: number;
  /** Number of the last operator action; 0: none yet. */
  lastNumber: number;
}
/**
 * - `unreadable`: no message of commands; `invalid`: no command; both as far as this version knows.
 * - `not-owned`: it belongs to another group.
 * - `rule`: the rules threw, which is a bug. `database`: the database refuses to store its effects.
 * - `process`: each process that tried it alone ended.
 * - `key-conflict`: another body was decided first under its id. It is its sender's mistake: it raises no alarm, and no
 *   replay can succeed.
 */
export type DeadLetterClass = 'unreadable' | 'invalid' | 'not-owned' | 'rule' | 'database' | 'process' | 'key-conflict';

export interface Product {
  productId: string;
  name: string;
  priceCents: number;
  /** Counts its changes; a deleted product keeps its row so that the count continues. */
  version: number;
  deleted: boolean;
}

export interface StockLevel {
  productId: string;
  location: string;
  onHand: number;
  reserved: number;
  /** Number of its last movement; 0: none yet. */
  sequence: number;
}

/** Current state of an order. */
export interface Order {
  orderId: string;
  customerId: string;
  branchId: string | null;
  status: OrderStatus;
  lines: OrderLine[];
  totalCents: number;
  /** Units returned so far. */
  returned: OrderLine[];
}

export interface Reservation {
  reservationId: string;
  customerId: string;
  branchId: string | null;
  status: ReservationStatus;
  lines: PricedLine[];
  totalCents: number;
  /** ISO 8601. */
  createdAt: string;
  /** It is due from this instant on; it holds its units until a batch sees that. ISO 8601. */
  expiresAt: string;
  /** The order that it became. */
  orderId: string | null;
}

export interface Transfer {
  transferId: string;
  productId: string;
  from: string;
  to: string;
  quantity: number;
  status: 'in-transit' | 'arrived';
  /** ISO 8601. */
  sentAt: string;
  arrivedAt: string | null;
}

export interface CartItem {
  productId: string;
  quantity: number;
  stamp: Stamp;
  /** The order that removed it from the cart, and the checkout's stamp; null: none did. */
  ordered: { orderId: string; stamp: Stamp } | null;
}

export interface Cart {
  customerId: string;
  /** Items whose stamp is not above this are removed. */
  clearedStamp: Stamp | null;
  items: CartItem[];
}

/** Everything a decision may use, read after the fence in the same transaction. */
export interface BatchState {
  /** As set by the fence: the batch's own number. */
  position: GroupPosition;
  /** The group's clock for this batch: `group_state.at`, ISO 8601. */
  at: string;
  /** Fixed number of buckets of the chain. */
  buckets: number;
  ownedBuckets: ReadonlySet<number>;
  outcomes: ReadonlyMap<string, StoredOutcome>;
  /** By command id; one per body, open or closed. */
  deadLetters: ReadonlyMap<string, DeadLetter[]>;
  products: ReadonlyMap<string, Product>;
  /** By `levelKey`. */
  levels: ReadonlyMap<string, StockLevel>;
  /** Customers that are registered. */
  customers: ReadonlySet<string>;
  carts: ReadonlyMap<string, Cart>;
  orders: ReadonlyMap<string, Order>;
  /** The named ones and the due ones. */
  reservations: ReadonlyMap<string, Reservation>;
  transfers: ReadonlyMap<string, Transfer>;
  /** Those of the requested ones that exist. */
  locations: ReadonlySet<string>;
  /** By id of a command that must not be carried out, with the reason for its refusal. */
  tombstones: ReadonlyMap<string, RefusalReason>;
}

export function levelKey(productId: string, location: string): string {
  return `${productId}\n${location}`;
}
