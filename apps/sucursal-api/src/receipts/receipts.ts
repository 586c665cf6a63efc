import type { BranchDatabase, Sale } from '@eco/branch';
import { backOrderSlip, parseReceiptNumber, receiptOf, type Receipt } from '@eco/till';
import type { Log } from '@eco/base';
import { receiptEscPos, type PaperStyle } from './render-receipt.js';
import type { ReceiptPrinter } from './receipt-printer.js';

/** The receipts of a branch, and its printer if it has one. */
export class Receipts {
  readonly style: PaperStyle;
  readonly printer: ReceiptPrinter | undefined;
  readonly #database: BranchDatabase;
  readonly #log: Log;

  constructor(database: BranchDatabase, style: PaperStyle, printer: ReceiptPrinter | undefined, log: Log) {
    this.#database = database;
    this.style = style;
    this.printer = printer;
    this.#log = log;
  }

  /** `number`: a receipt number, or the id of a back-order. Undefined: the branch has no such receipt. */
  find(number: string, { isCopy }: { readonly isCopy: boolean }): Receipt | undefined {
    if (parseReceiptNumber(number) !== undefined) {
      const sale = this.#database.sales.saleWithReceipt(number);
      return sale && receiptOf(sale, { isCopy });
    }
    const order = this.#database.backOrders.order(number);
    if (order === undefined) return undefined;
    const { branchId } = this.#database;
    const lines = order.lines.map(({ productId, quantity }) => {
      const product = this.#database.catalogue.product(productId);
      return {
        productId,
        name: product?.name ?? productId,
        quantity,
        unitPriceCents: product?.priceCents ?? 0,
        taxBasisPoints: product?.taxBasisPoints ?? 0,
      };
    });
    return backOrderSlip({ orderId: order.orderId, branchId, placedAt: order.placedAt, lines });
  }

  /** Prints the receipt of a new sale in the background: a sale does not wait for paper. */
  printSale(sale: Sale): void {
    if (this.printer === undefined) return;
    const commands = receiptEscPos(receiptOf(sale, { isCopy: false }), this.style);
    this.printer.print(commands).catch((error: Error) => {
      this.#log.debug({ receipt: sale.receiptNumber, error: error.message }, 'the receipt of a sale was not printed');
    });
  }
}
