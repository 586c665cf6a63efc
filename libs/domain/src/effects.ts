import type {
  ChangeType,
  Command,
  CommandKind,
  MovementKind,
  OrderStatus,
  OutcomeStatus,
  PricedLine,
  OrderLine,
  RefusalReason,
  Replay,
  Reply,
  ShortLine,
  Topic,
} from '@eco/contracts';
import type { CartItem, DeadLetter, DeadLetterClass, Product, Reservation, StockLevel, Transfer } from './state.js';

export interface OutcomeRow {
  commandId: string;
  bodyHash: string;
  kind: CommandKind;
  bucket: number;
  status: OutcomeStatus;
  result: Record<string, unknown>;
  /** Topic under which `GET /changes` shows it; null: it changed nothing. */
  topic: Topic | null;
  changeType: ChangeType | null;
  /** Number within (batch, topic), from 1; 0 if topic is null. */
  n: number;
  /** Data of the change; null if topic is null. */
  changeData: Record<string, unknown> | null;
}

export interface OrderRow {
  orderId: string;
  customerId: string;
  bucket: number;
  branchId: string | null;
  status: 'confirmed' | 'rejected';
  lines: (PricedLine | OrderLine)[];
  totalCents: number;
  short: ShortLine[];
  unknownProducts: string[];
  placedAt: string;
}

/** What happened to an order after it was confirmed. */
export interface OrderUpdateRow {
  orderId: string;
  status: OrderStatus;
  /** The reservation whose units it took over; null: it reserved them itself, or this is stored. */
  reservationId: string | null;
  /** Time of cancellation or fulfilment. */
  endedAt: string | null;
  returned: OrderLine[];
}

/** One line of a held reservation; a batch finds due reservations by its product. */
export interface HoldRow {
  reservationId: string;
  productId: string;
  /** The product's bucket. */
  bucket: number;
  quantity: number;
  expiresAt: string;
}

/** One immutable row of the ledger. */
export interface MovementRow {
  productId: string;
  location: string;
  bucket: number;
  sequence: number;
  movement: MovementKind;
  onHandDelta: number;
  reservedDelta: number;
  onHand: number;
  reserved: number;
  commandId: string;
  /** Number within (batch, topic stock), from 1. */
  n: number;
}

export interface CustomerRow {
  customerId: string;
  bucket: number;
  name: string;
  email: string;
  branchId: string | null;
  registeredAt: string;
}

/** Why a command can't be processed. */
export interface Failure {
  errorClass: DeadLetterClass;
  failureSite: string;
  reason: string;
}

export interface DeadLetterRow extends Omit<DeadLetter, 'state' | 'tries' | 'lastNumber'> {
  sentBy: string | null;
  /** The command as received. */
  command: unknown;
}

/** An operator's action on a dead letter, and its result. */
export interface DeadLetterActionRow {
  commandId: string;
  bodyHash: string;
  /** Increases with each action on the dead letter. */
  number: number;
  action: 'replay' | 'discard';
  by: string;
  /** Of a replay its reply: the outcome's status, `dead-letter` or `key-conflict`. */
  result: OutcomeStatus | 'dead-letter' | 'key-conflict';
  /** Why it was discarded, or failed again. */
  reason: string | null;
}

/** What a batch writes: plain rows, stored with one statement per table. */
export interface Effects {
  outcomes: OutcomeRow[];
  orders: OrderRow[];
  movements: MovementRow[];
  /** Final state of the levels, one row per level however many commands changed it. */
  levels: (StockLevel & { bucket: number })[];
  products: (Product & { bucket: number })[];
  customers: CustomerRow[];
  carts: { customerId: string; bucket: number; clearedStamp: string }[];
  cartItems: (CartItem & { customerId: string; bucket: number })[];
  /** Removed before `cartItems` are stored, which may contain the same product again. */
  removedCartItems: { customerId: string; productId: string }[];
  /** One row per order, whether placed in this batch or stored. */
  orderUpdates: OrderUpdateRow[];
  /** New or changed, one row per reservation. */
  reservations: (Reservation & { bucket: number })[];
  holds: HoldRow[];
  /** Reservations whose stored holds end. */
  endedHolds: string[];
  /** New or changed, one row per transfer. */
  transfers: (Transfer & { bucket: number })[];
  tombstones: { commandId: string; bucket: number; reason: RefusalReason }[];
  /** New dead letters. */
  deadLetters: DeadLetterRow[];
  /** Changed dead letters, one row each, new in this batch or stored. */
  deadLetterUpdates: DeadLetter[];
  deadLetterActions: DeadLetterActionRow[];
  /** One reply for each command of the batch, in order. */
  replies: Reply[];
}

/** A command as it arrived: readable, or unreadable with the reason. An unreadable one becomes a dead letter. */
export type Arrived =
  | { readable: true; command: Command }
  | {
      readable: false;
      /** Its own id if it has one, else derived from its content: a redelivery has the same id. */
      commandId: string;
      /** SHA-256 of its content, hex, because it has no trustworthy body. */
      bodyHash: string;
      /** Null: no known kind. */
      kind: CommandKind | null;
      reason: string;
      errorClass: 'unreadable' | 'invalid';
      failureSite: string;
      sentBy: string | null;
      replay?: Replay;
      /** The content, or the part of it that is kept, in a form that jsonb accepts. */
      raw: unknown;
    };
