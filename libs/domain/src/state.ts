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

/** What a batch needs to be loaded: the keys its commands touch. Each list is free of repeats. */
export interface NeededKeys {
  commandIds: string[];
  /** Products named by commands. Those in the carts to be checked out come by `checkOutCustomerIds`. */
  productIds: string[];
  /** Customers whose existence decides something. */
  customerIds: string[];
  /** Customers whose carts are edited, cleared or checked out. */
  cartCustomerIds: string[];
  /** Those of them who check out: the products in their carts are needed too, with their levels. */
  checkOutCustomerIds: string[];
  /** Orders that something happens to, with the levels that they hold. */
  orderIds: string[];
  /** Reservations that something happens to, with the levels that they hold. Those that are due come by themselves. */
  reservationIds: string[];
  transferIds: string[];
  /** Products whose levels are wanted at every location, not at `central` alone. */
  stockProductIds: string[];
  locations: string[];
}

/** Keys of what was too much to be loaded for one batch, though it is there. */
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
  /** Null: what came is of no kind that there is. */
  kind: CommandKind | null;
  /** Null: unreadable, so nobody knows. */
  bucket: number | null;
  errorClass: DeadLetterClass;
  /** What failed, in few words: those that failed alike have the same. */
  failureSite: string;
  reason: string;
  /** How often it failed. */
  tries: number;
  /** Of the last thing that an operator had done with it; 0: nothing yet. */
  lastNumber: number;
}
/**
 * - `unreadable`: no message of commands; `invalid`: no command; both as far as this version knows.
 * - `not-owned`: it belongs to another group.
 * - `rule`: the rules failed at it, which is a bug. `database`: the database refuses to store what it does.
 * - `process`: each process that tried it alone ended over it.
 * - `key-conflict`: another body was decided first under its id. Its sender's mistake: it raises no alarm, and no replay can
 *   succeed.
 */
export type DeadLetterClass = 'unreadable' | 'invalid' | 'not-owned' | 'rule' | 'database' | 'process' | 'key-conflict';

export interface Product {
  productId: string;
  name: string;
  priceCents: number;
  /** Counts its changes; a deleted product keeps its row so that the count goes on. */
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

/** An order as it stands now. */
export interface Order {
  orderId: string;
  customerId: string;
  branchId: string | null;
  status: OrderStatus;
  lines: OrderLine[];
  totalCents: number;
  /** Units that came back so far. */
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
  /** From this instant on it is due: it holds its units only until a batch sees that. ISO 8601. */
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
  /** The order that took it out of the cart, and the checkout's stamp; null: none did. */
  ordered: { orderId: string; stamp: Stamp } | null;
}

export interface Cart {
  customerId: string;
  /** Items whose stamp is not above it are gone. */
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
  /** By command id; one per body, open or not. */
  deadLetters: ReadonlyMap<string, DeadLetter[]>;
  products: ReadonlyMap<string, Product>;
  /** By `levelKey`. */
  levels: ReadonlyMap<string, StockLevel>;
  /** Customers that are registered. */
  customers: ReadonlySet<string>;
  carts: ReadonlyMap<string, Cart>;
  orders: ReadonlyMap<string, Order>;
  /** Those named, and those that are due. */
  reservations: ReadonlyMap<string, Reservation>;
  transfers: ReadonlyMap<string, Transfer>;
  /** Of those asked for, the ones that there are. */
  locations: ReadonlySet<string>;
  /** By id of a command that must not be done when it comes, with the reason that it then gets. */
  tombstones: ReadonlyMap<string, RefusalReason>;
}

export function levelKey(productId: string, location: string): string {
  return `${productId}\n${location}`;
}
