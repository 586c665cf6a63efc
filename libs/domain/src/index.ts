export { mapValues, nouns, rowLists, type KeyLists, type RowLists } from './nouns.js';
export type { RowList } from './noun.js';
export {
  noKeysLeftOut,
  noParts,
  type BatchState,
  type KeysLeftOut,
  type LoadedParts,
  type NeededKeys,
} from './state.js';
export type { Arrived, Effects, Failure, RowOf } from './effects.js';
export type { Cart, CartItemRow, CartRow } from './carts/cart.js';
export type { Product, ProductRow } from './catalogue/product.js';
export type { CustomerRow } from './customers/customer.js';
export type {
  DeadLetter,
  DeadLetterActionRow,
  DeadLetterClass,
  DeadLetterRow,
  DeadLetterState,
} from './dead-letters/dead-letter.js';
export type { Order, OrderRow, OrderUpdateRow } from './orders/order.js';
export type { OutcomeRow, StoredOutcome } from './outcomes/outcome.js';
export type { TombstoneRow } from './outcomes/tombstone.js';
export type { HoldRow, Reservation, ReservationRow } from './reservations/reservation.js';
export { levelKey, type LevelRow, type MovementRow, type StockLevel } from './stock/level.js';
export type { Transfer, TransferRow } from './transfers/transfer.js';
export { readCommands } from './read-commands.js';
export { bodyHash, isBodyOf } from './body-hash.js';
export { decidable, linesIn, neededKeys } from './needed-keys.js';
export { decideBatch } from './batch.js';
