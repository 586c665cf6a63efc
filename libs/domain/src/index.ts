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
export type { Cart } from './carts/cart.js';
export {
  deadLetterClasses,
  type DeadLetterActionRow,
  type DeadLetterClass,
  type DeadLetterState,
} from './dead-letters/dead-letter.js';
export { placeKey } from './quotas/holder.js';
export type { Excess, SaleReturnRow } from './sales/sale.js';
export type { OutcomeRow } from './outcomes/outcome.js';
export { levelKey, type LevelRow, type StockLevel } from './stock/level.js';
export type { Transfer } from './transfers/transfer.js';
export { readCommands, unreadMessage } from './read-commands.js';
export { bodyHash, isBodyOf } from './body-hash.js';
export { decidable, linesIn, neededKeys } from './needed-keys.js';
export { decideBatch } from './batch.js';
export {
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
} from './quota/holding.js';
export {
  applied,
  bookCount,
  bookGiveBack,
  bookReturn,
  bookSale,
  bookVoid,
  bookWriteOff,
  EMPTY_ACCOUNT,
  type Account,
} from './quota/account.js';
export { NEW_HOLDER, nextEntry, restored, takeOver, whenReported, type HolderState } from './quota/holder.js';
export { FETCH_DEFAULTS, quantityToFetch, type FetchSettings } from './quota/fetch-rule.js';
