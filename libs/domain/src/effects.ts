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
  /** Topic and place under which `GET /changes` shows it; null: it changed nothing. */
  topic: Topic | null;
  changeType: ChangeType | null;
  /** Place within (batch, topic), from 1; 0 where topic is null. */
  n: number;
  /** Data of the change; null where topic is null. */
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

/** What became of an order after it was confirmed. */
export interface OrderUpdateRow {
  orderId: string;
  status: OrderStatus;
  /** Whose units it took over; null: it reserved them itself, or that is stored. */
  reservationId: string | null;
  /** When it was cancelled or fulfilled. */
  endedAt: string | null;
  returned: OrderLine[];
}

/** One line of a reservation while that is held: by its product a batch finds what is due. */
export interface HoldRow {
  reservationId: string;
  productId: string;
  /** The product's. */
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
  /** Place within (batch, topic stock), from 1. */
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
  /** The command as it came. */
  command: unknown;
}

/** What an operator had done with a dead letter, and what became of it. */
export interface DeadLetterActionRow {
  commandId: string;
  bodyHash: string;
  /** Counts up by dead letter. */
  number: number;
  action: 'replay' | 'discard';
  by: string;
  /** Of a replay what its asker was told: the outcome's status, `dead-letter` or `key-conflict`. */
  result: OutcomeStatus | 'dead-letter' | 'key-conflict';
  /** Why it was discarded, or failed again. */
  reason: string | null;
}

/** What a batch writes: plain rows, to be stored with one statement a table. */
export interface Effects {
  outcomes: OutcomeRow[];
  orders: OrderRow[];
  movements: MovementRow[];
  /** The levels' last state in the batch, one row a level however many commands wanted it. */
  levels: (StockLevel & { bucket: number })[];
  products: (Product & { bucket: number })[];
  customers: CustomerRow[];
  carts: { customerId: string; bucket: number; clearedStamp: string }[];
  cartItems: (CartItem & { customerId: string; bucket: number })[];
  /** Removed before `cartItems` are stored, which may hold the same product again. */
  removedCartItems: { customerId: string; productId: string }[];
  /** One row an order, whether it was placed in this batch or is stored. */
  orderUpdates: OrderUpdateRow[];
  /** New or changed, one row a reservation. */
  reservations: (Reservation & { bucket: number })[];
  holds: HoldRow[];
  /** Reservations whose stored holds are over. */
  endedHolds: string[];
  /** New or changed, one row a transfer. */
  transfers: (Transfer & { bucket: number })[];
  tombstones: { commandId: string; bucket: number; reason: RefusalReason }[];
  /** New ones. */
  deadLetters: DeadLetterRow[];
  /** What became of dead letters, one row each, new in this batch or stored. */
  deadLetterUpdates: DeadLetter[];
  deadLetterActions: DeadLetterActionRow[];
  /** One for each command of the batch, in its order: what its asker is told. */
  replies: Reply[];
}

/** A command as it arrived: readable, or not and why. An unreadable one becomes a dead letter. */
export type Arrived =
  | { readable: true; command: Command }
  | {
      readable: false;
      /** Its own if it has one, else made of its content: a redelivery has the same. */
      commandId: string;
      /** SHA-256 of its content, hex: it has no body that could be trusted. */
      bodyHash: string;
      /** Null: none of those that there are. */
      kind: CommandKind | null;
      reason: string;
      errorClass: 'unreadable' | 'invalid';
      failureSite: string;
      sentBy: string | null;
      replay?: Replay;
      /** The content, or as much of it as is kept, in a form that jsonb takes. */
      raw: unknown;
    };
