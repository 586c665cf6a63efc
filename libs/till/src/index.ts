export { lineTotalCents, totalCentsOf, type PricedUnits } from './lines.js';
export { includedTaxCents, taxCentsOf, taxesOf, type TaxAmount } from './tax.js';
export { cashRoundingCents, COINS, refundCentsOf, settle, type Coin, type Settlement, type Tender } from './payment.js';
export {
  formatReceiptNumber,
  parseReceiptNumber,
  RECEIPT_SERIES,
  RECEIPT_TILL,
  type ReceiptNumber,
} from './receipt-number.js';
export {
  backOrderSlip,
  receiptOf,
  type Receipt,
  type ReceiptLine,
  type ReceiptMark,
  type ReceiptOf,
} from './receipt.js';
export {
  expectedCents,
  openedShift,
  withLateSale,
  withReturn,
  withSale,
  withVoid,
  type CountedSale,
  type ShiftFigures,
} from './shift.js';
