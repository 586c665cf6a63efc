export { lineTotalCents, totalCentsOf } from './lines.js';
export { taxCentsOf, taxesOf } from './tax.js';
export { COINS, refundCentsOf, settle, type Coin, type Settlement, type Tender } from './payment.js';
export { formatReceiptNumber, parseReceiptNumber, RECEIPT_SERIES } from './receipt-number.js';
export { backOrderSlip, receiptOf, type Receipt } from './receipt.js';
export {
  expectedCents,
  openedShift,
  withLateSale,
  withReturn,
  withSale,
  withVoid,
  type ShiftFigures,
} from './shift.js';
