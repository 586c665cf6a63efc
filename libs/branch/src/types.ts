import type { Actor, ReceivedChange, SaleLine, SalePayment, Stamp, Topic } from '@eco/contracts';
import type { Log } from '@eco/base';
import type { Traits } from '@eco/journal';
import type { Coin, Settlement, ShiftFigures, Tender } from '@eco/till';

/*
 * What goes into and comes out of the database of a branch. Each operation is one local transaction, with the command
 * that reports it to the head office.
 */

export interface BranchDatabaseOptions {
  /** Folder of the database, its lock and its counter file. Only one process may use it. */
  readonly dir: string;
  readonly branchId: string;
  /** Name of the process, stated in its commands. */
  readonly name: string;
  /** Limit of the commands that wait for the brokers, bytes. */
  readonly limitBytes: number;
  /** Series of the receipts. */
  readonly series: string;
  /** Smallest coin, cents; 0: amounts are not rounded. */
  readonly coin: Coin;
  /** Tax rate of products that state none. */
  readonly taxBasisPoints: number;
  /** By the branch's clock, ms since 1970. */
  readonly now?: () => number;
  /** Traits of the commands that an API keeps in the outbox; commands of the branch's log have none. */
  readonly traitsOf?: ((text: string) => Traits) | undefined;
  readonly log?: Log | undefined;
  /** Runs at named places of a transaction. Tests end the process there. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/**
 * What an API connects to the database when it has opened its path to the brokers. Without it the database makes stamps
 * by the branch's clock.
 */
export interface CommandSender {
  nextStamp(key: string): Stamp;
}

/** Fields of every request that records something. */
export interface Asked {
  /** Id of the command, and of what it makes. The same for a repeated request. */
  readonly id: string;
  /** Ids that the same request had under former id keys of its client. */
  readonly formerIds?: readonly string[] | undefined;
  readonly correlationId: string;
  /** Trace of the request, as its command will state it. Absent: it is not traced. */
  readonly traceparent?: string | undefined;
  readonly actor?: Actor | undefined;
}

/**
 * The result of a request.
 * - `done`: recorded, with the command that reports it; both are on the disk. `repeated`: it was recorded before.
 * - `refused`: by the rules. Nothing was recorded, and a repeat is decided again.
 * - `key-conflict`: this id stands for another request.
 * - `full`: there is no room on the disk. Nothing was recorded.
 * - `failed`: the disk failed. It may be recorded: only a repeat under the same id shows it.
 */
export type Recorded<T, Refusal = never> =
  | { readonly type: 'done'; readonly value: T; readonly repeated: boolean }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'key-conflict' }
  | { readonly type: 'full' | 'failed'; readonly obstacle: string };

export interface ShortUnits {
  readonly productId: string;
  readonly asked: number;
  /** Units that the branch may spend. */
  readonly remaining: number;
}

/** The branch's records are not reconciled with the head office: it spends no quota until it was online. */
export interface Frozen {
  readonly reason: 'frozen';
}
interface Unknown<What extends string> {
  readonly reason: `${What}-unknown`;
}
type TillUnknown = Unknown<'till'>;

export interface SaleRequest extends Asked {
  readonly till: string;
  readonly customerId: string | null;
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
  readonly tender: Tender;
  /** A shift of this till. Absent: the open one. A sale of a closed shift is late and stays in its shift. */
  readonly shiftId?: string | undefined;
}
export type SaleRefusal =
  | { readonly reason: 'short'; readonly short: readonly ShortUnits[]; readonly unknownProducts: readonly string[] }
  | { readonly reason: 'payment'; readonly settlement: Exclude<Settlement, { type: 'paid' }> }
  | { readonly reason: 'no-open-shift' }
  | TillUnknown
  | Unknown<'shift'>
  | Frozen;

export interface Sale {
  readonly saleId: string;
  readonly receiptNumber: string;
  readonly branchId: string;
  readonly till: string;
  readonly shiftId: string;
  /** RFC 3339, by the branch's clock. */
  readonly soldAt: string;
  readonly customerId: string | null;
  /** Id of the person who sold it; null: unknown. */
  readonly soldBy: string | null;
  readonly lines: readonly SaleLine[];
  readonly payment: SalePayment;
  /** Value of the lines, tax included, before rounding. */
  readonly totalCents: number;
  readonly voidedAt: string | null;
  readonly voidReason: string | null;
  /** True: its shift was closed already. */
  readonly isLate: boolean;
}

export interface VoidRequest extends Asked {
  readonly saleId: string;
  readonly reason: string;
}
export type VoidRefusal =
  Unknown<'sale'> | { readonly reason: 'sale-voided' | 'shift-closed' | 'sale-returned' } | Frozen;

export interface ReturnRequest extends Asked {
  readonly till: string;
  /** The branch's own sale; null: the units were sold elsewhere, and the request states their prices. */
  readonly saleId: string | null;
  readonly reason: string;
  readonly refund: 'cash' | 'card';
  readonly lines: readonly {
    readonly productId: string;
    readonly quantity: number;
    /** Of units that were sold elsewhere; ignored for an own sale. Absent: the price in the catalogue. */
    readonly unitPriceCents?: number | undefined;
  }[];
}
export type ReturnRefusal =
  | Unknown<'sale'>
  | TillUnknown
  | Unknown<'product'>
  | { readonly reason: 'sale-voided' | 'no-open-shift' }
  | { readonly reason: 'more-than-sold'; readonly lines: readonly { productId: string; returnable: number }[] }
  | Frozen;
export interface Return {
  readonly returnId: string;
  readonly saleId: string | null;
  readonly till: string;
  readonly shiftId: string;
  readonly returnedAt: string;
  readonly reason: string;
  readonly refund: 'cash' | 'card';
  readonly refundCents: number;
  readonly lines: readonly { productId: string; quantity: number; unitPriceCents: number }[];
}

export interface Till {
  readonly till: string;
  readonly name: string;
  readonly registeredAt: string;
}

export interface OpenShiftRequest extends Asked {
  readonly till: string;
  /** Money in the drawer. */
  readonly openingCents: number;
}
export interface CloseShiftRequest extends Asked {
  readonly shiftId: string;
  readonly countedCents: number;
}
export type OpenShiftRefusal = TillUnknown | { readonly reason: 'shift-open' };
export type CloseShiftRefusal = Unknown<'shift'> | { readonly reason: 'shift-closed' } | Frozen;
export interface Shift {
  readonly shiftId: string;
  readonly till: string;
  readonly openedAt: string;
  readonly openedBy: string | null;
  readonly closedAt: string | null;
  readonly countedCents: number | null;
  readonly figures: ShiftFigures;
}

export interface CountRequest extends Asked {
  readonly productId: string;
  readonly counted: number;
  readonly reason: string;
}
export type CountRefusal = Unknown<'product'> | Frozen;
export interface Count {
  readonly productId: string;
  readonly expected: number;
  readonly counted: number;
}

export interface GiveBackRequest extends Asked {
  readonly productId: string;
  readonly quantity: number;
}
export type GiveBackRefusal = { readonly reason: 'short'; readonly remaining: number } | Frozen;

export type ReceiveRefusal = Unknown<'transfer'> | { readonly reason: 'transfer-received' } | Frozen;

/** Goods that a person at the head office has sent, or a grant. */
export interface Transfer {
  readonly transferId: string;
  readonly productId: string;
  readonly quantity: number;
  /** `expected`: in transit; a person at the branch receives it. */
  readonly status: 'expected' | 'received';
  readonly kind: 'sent' | 'granted';
  readonly at: string;
}

/** A product's units at the branch. */
export interface QuotaRow {
  readonly productId: string;
  readonly name: string | null;
  readonly priceCents: number | null;
  /** Units that were granted, sent or taken over in this incarnation. */
  readonly granted: number;
  /** Units that were sold in this incarnation, net of voids and own returns. */
  readonly spent: number;
  readonly remaining: number;
}

export interface ProductRow {
  readonly productId: string;
  readonly name: string;
  readonly priceCents: number;
  readonly taxBasisPoints: number;
  readonly version: number;
  readonly isDeleted: boolean;
}

/** An order of the branch, which the head office decides. */
export interface BackOrder {
  readonly orderId: string;
  readonly customerId: string;
  readonly placedAt: string;
  readonly lines: readonly { productId: string; quantity: number }[];
  /** `waiting`: nobody has decided it, so it promises nothing. */
  readonly status: 'waiting' | 'confirmed' | 'rejected' | 'cancelled' | 'fulfilled';
  /** Data of the change that decided it last, and the time of that by the home's clock; null while it waits. */
  readonly decision: unknown;
  readonly decidedAt: string | null;
}

/** A page of changes that concern the branch. */
export interface ChangesPage {
  readonly topic: Topic;
  readonly changes: readonly ReceivedChange[];
  /** The cursor from which the page was read; null: from the beginning. The page is ignored if the branch is elsewhere. */
  readonly after: string | null;
  /** Cursor of the next page. */
  readonly next: string;
}

/**
 * What the head office has recorded of the branch, as of a position that contains the report of this incarnation. If it
 * was read in pages, `cursor` is that of the first page.
 */
export interface RecordedLevels {
  readonly incarnation: number;
  /** Cursor of topic `quotas` at the position. */
  readonly cursor: string;
  readonly levels: readonly { readonly productId: string; readonly onHand: number }[];
  /** Grants and sent goods that were on their way to the branch at the position. Absent: none. */
  readonly inTransit?: readonly Omit<Transfer, 'status'>[];
}

/** What the rule about fetching needs to know about a product. */
export interface FetchCandidate {
  readonly productId: string;
  readonly remaining: number;
  readonly onTheWay: number;
  readonly soldPerDay: number;
}

export interface StatsFilter {
  readonly fromAt?: string | undefined;
  readonly untilAt?: string | undefined;
}
/** Voided sales don't count. */
export interface SaleStats {
  readonly count: number;
  readonly revenueCents: number;
  readonly averageCents: number;
  readonly voids: number;
  readonly returns: number;
  readonly refundCents: number;
}

export interface BranchStatus {
  readonly branchId: string;
  readonly incarnation: number;
  /** Sequence of the last entry of this incarnation. */
  readonly sequence: number;
  /**
   * Why nothing is sold from quota. `new`: the branch has never been online. `restored`: its database is a copy from a
   * backup, or the head office's is. Undefined: it sells.
   */
  readonly frozen: 'new' | 'restored' | undefined;
  /** The last restore of the head office's database that the branch knows; null: none. */
  readonly homeEpoch: string | null;
  /** Commands that wait for the brokers, and the arrival of the oldest of them. */
  readonly depth: number;
  readonly bytes: number;
  readonly oldestAtMs: number | undefined;
  readonly parked: number;
  /** Last page of changes that was applied, or last contact noted; by the branch's clock. */
  readonly contactAt: string | null;
  /** Why nothing can be recorded now. */
  readonly obstacle: string | undefined;
}

export interface Page {
  readonly limit: number;
  /** The last id of the previous page. */
  readonly before?: string | undefined;
}
