import type { SaleLine, SalePayment } from '@eco/contracts';
import { restock, spendLines } from '@eco/domain';
import {
  formatReceiptNumber,
  refundCentsOf,
  settle,
  totalCentsOf,
  withLateSale,
  withReturn,
  withSale,
  withVoid,
} from '@eco/till';
import type { Catalogue } from './catalogue.js';
import { holdingOf, holdingsOf, storeHolding } from './holdings.js';
import { firstOf, hashOf, pagesOfRequest, type Decision, type Recorder, type Step } from './recorder.js';
import type { Shifts } from './shifts.js';
import type {
  BranchDatabaseOptions,
  Page,
  Recorded,
  Return,
  ReturnRefusal,
  ReturnRequest,
  Sale,
  SaleRefusal,
  SaleRequest,
  SaleStats,
  Shift,
  StatsFilter,
  VoidRefusal,
  VoidRequest,
} from './types.js';

interface SaleRow {
  readonly sale_id: string;
  readonly request_hash: string;
  readonly receipt_number: string;
  readonly till: string;
  readonly shift_id: string;
  readonly sold_at: string;
  readonly customer_id: string | null;
  readonly sold_by: string | null;
  readonly lines: string;
  readonly payment: string;
  readonly total_cents: number;
  readonly is_late: number;
  readonly voided_at: string | null;
  readonly void_reason: string | null;
}

interface ReturnRow {
  readonly return_id: string;
  readonly sale_id: string | null;
  readonly till: string;
  readonly shift_id: string;
  readonly returned_at: string;
  readonly reason: string;
  readonly refund: 'cash' | 'card';
  readonly refund_cents: number;
  readonly lines: string;
}

/** Bytes of a line: a name of 200 characters takes up to 600. */
const LINE_BYTES = 800;
const RETURN_LINE_BYTES = 200;
const LAST = Number.MAX_SAFE_INTEGER;

/** Sales, voids and returns of the branch. */
export class Sales {
  readonly #recorder: Recorder;
  readonly #catalogue: Catalogue;
  readonly #shifts: Shifts;
  readonly #settings: Pick<BranchDatabaseOptions, 'branchId' | 'series' | 'coin'>;

  constructor(
    recorder: Recorder,
    catalogue: Catalogue,
    shifts: Shifts,
    settings: Pick<BranchDatabaseOptions, 'branchId' | 'series' | 'coin'>,
  ) {
    this.#recorder = recorder;
    this.#catalogue = catalogue;
    this.#shifts = shifts;
    this.#settings = settings;
  }

  /** The sale, the quota that it spends, its receipt number and the command that reports it: all of it, or nothing. */
  sell(request: SaleRequest): Promise<Recorded<Sale, SaleRefusal>> {
    const { till, customerId, lines, tender, shiftId } = request;
    const requestHash = hashOf({ till, customerId, lines, tender, shiftId });
    const find = (): Recorded<Sale> | undefined => {
      const row = firstOf(request, (each) => this.#row(each));
      if (row === undefined) return undefined;
      if (row.request_hash !== requestHash) return { type: 'key-conflict' };
      return { type: 'done', value: saleOf(row, this.#settings.branchId), repeated: true };
    };
    return this.#recorder.recordOnce(find, pagesOfRequest(lines.length, LINE_BYTES), (step) =>
      this.#sell(step, request, requestHash),
    );
  }

  #sell(step: Step, request: SaleRequest, requestHash: string): Decision<Sale, SaleRefusal> {
    const { sql } = this.#recorder;
    const { branchId, series, coin } = this.#settings;
    const { id, till, customerId, tender, actor } = request;
    if (this.#shifts.till(till) === undefined) return { refusal: { reason: 'till-unknown' } };
    const shift = this.#shiftFor(request);
    if (typeof shift === 'string') return { refusal: { reason: shift } };
    const lines: SaleLine[] = [];
    const unknownProducts = new Set<string>();
    for (const { productId, quantity } of request.lines) {
      const product = this.#catalogue.product(productId);
      if (product === undefined || product.isDeleted) unknownProducts.add(productId);
      else {
        const { name, priceCents: unitPriceCents, taxBasisPoints } = product;
        lines.push({ productId, name, quantity, unitPriceCents, taxBasisPoints });
      }
    }
    const productIds = request.lines.map(({ productId }) => productId);
    const spent = spendLines(step.holder, holdingsOf(sql, productIds), request.lines);
    if (spent.type === 'waiting') return { refusal: { reason: 'frozen' } };
    if (spent.type === 'short' || unknownProducts.size > 0) {
      const short = (spent.type === 'short' ? spent.lines : [])
        .filter(({ productId }) => !unknownProducts.has(productId))
        .map(({ productId, asked, remaining }) => ({ productId, asked, remaining }));
      return { refusal: { reason: 'short', short, unknownProducts: [...unknownProducts] } };
    }
    const totalCents = totalCentsOf(lines);
    const settlement = settle(totalCents, tender, coin);
    if (settlement.type !== 'paid') return { refusal: { reason: 'payment', settlement } };
    const { payment } = settlement;

    for (const [productId, holding] of spent.holdings) storeHolding(sql, productId, holding);
    for (const { productId, quantity } of lines) this.#catalogue.countSold(productId, quantity);
    this.#recorder.at('spent');
    const { incarnation } = step.holder;
    const number = this.#nextReceipt(till, incarnation);
    this.#recorder.at('numbered');
    const receiptNumber = formatReceiptNumber({ series, branchId, till, incarnation, number });
    const isLate = shift.closedAt !== null;
    sql.run(
      `INSERT INTO sales (sale_id, request_hash, receipt_number, till, shift_id, sold_at, customer_id, sold_by, lines,
                          payment, total_cents, is_late)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      requestHash,
      receiptNumber,
      till,
      shift.shiftId,
      step.nowText,
      customerId,
      actor?.id ?? null,
      JSON.stringify(lines),
      JSON.stringify(payment),
      totalCents,
      Number(isLate),
    );
    this.#recorder.at('stored');
    const figures = (isLate ? withLateSale : withSale)(shift.figures, { totalCents, payment });
    this.#shifts.storeFigures(shift.shiftId, figures);
    const { shiftId } = shift;
    const soldAt = step.nowText;
    const body = { saleId: id, till, receiptNumber, shiftId, soldAt, customerId, lines, payment, totalCents };
    step.entry('sale.record', id, body, request);
    return { value: this.sale(id) as Sale };
  }

  #shiftFor({ till, shiftId }: SaleRequest): Shift | 'no-open-shift' | 'shift-unknown' {
    if (shiftId === undefined) return this.#shifts.openShiftOf(till) ?? 'no-open-shift';
    const shift = this.#shifts.shift(shiftId);
    return shift?.till === till ? shift : 'shift-unknown';
  }

  #nextReceipt(till: string, incarnation: number): number {
    const row = this.#recorder.sql.get<{ number: number }>(
      `INSERT INTO receipts VALUES (?, ?, ?, 1)
       ON CONFLICT (till, series, incarnation) DO UPDATE SET number = number + 1 RETURNING number`,
      till,
      this.#settings.series,
      incarnation,
    );
    if (row === undefined) throw new Error('no receipt number was returned');
    return row.number;
  }

  /** Takes back a whole sale in the shift that made it. Its receipt keeps its number. */
  voidSale(request: VoidRequest): Promise<Recorded<Sale, VoidRefusal>> {
    const { sql } = this.#recorder;
    const { id, saleId, reason } = request;
    const lineCount = this.sale(saleId)?.lines.length ?? 0;
    const pages = pagesOfRequest(lineCount, LINE_BYTES);
    return this.#recorder.record<Sale, VoidRefusal>(request, { of: 'void', saleId, reason }, pages, (step) => {
      const sale = this.sale(saleId);
      if (sale === undefined) return { refusal: { reason: 'sale-unknown' } };
      if (sale.voidedAt !== null) return { refusal: { reason: 'sale-voided' } };
      const shift = this.#shifts.shift(sale.shiftId);
      if (shift === undefined || shift.closedAt !== null) return { refusal: { reason: 'shift-closed' } };
      if (this.returnsOf(saleId).length > 0) return { refusal: { reason: 'sale-returned' } };
      // The first entry of an incarnation is its report.
      if (step.holder.sequence === 0) return { refusal: { reason: 'frozen' } };
      sql.run('UPDATE sales SET voided_at = ?, void_reason = ? WHERE sale_id = ?', step.nowText, reason, saleId);
      for (const line of sale.lines) this.#restock(step, line);
      this.#shifts.storeFigures(shift.shiftId, withVoid(shift.figures, sale));
      step.entry('sale.void', id, { saleId, voidedAt: step.nowText, reason }, request);
      return { value: this.sale(saleId) as Sale };
    });
  }

  /** Units of own sales can be sold again; others wait for an inspection at the head office's records. */
  returnUnits(request: ReturnRequest): Promise<Recorded<Return, ReturnRefusal>> {
    const { id, till, saleId, reason, refund } = request;
    const content = { of: 'return', till, saleId, reason, refund, lines: request.lines };
    const pages = pagesOfRequest(request.lines.length, RETURN_LINE_BYTES);
    return this.#recorder.record<Return, ReturnRefusal>(request, content, pages, (step) => {
      if (this.#shifts.till(till) === undefined) return { refusal: { reason: 'till-unknown' } };
      const shift = this.#shifts.openShiftOf(till);
      if (shift === undefined) return { refusal: { reason: 'no-open-shift' } };
      const lines = saleId === null ? this.#foreignLines(request) : this.#ownLines(saleId, request);
      if (!Array.isArray(lines)) return { refusal: lines };
      if (step.holder.sequence === 0) return { refusal: { reason: 'frozen' } };
      const refundCents = refundCentsOf(totalCentsOf(lines), refund, this.#settings.coin);
      if (saleId !== null) for (const line of lines) this.#restock(step, line);
      this.#recorder.sql.run(
        `INSERT INTO returns (return_id, sale_id, till, shift_id, returned_at, reason, refund, refund_cents, lines)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        saleId,
        till,
        shift.shiftId,
        step.nowText,
        reason,
        refund,
        refundCents,
        JSON.stringify(lines),
      );
      this.#shifts.storeFigures(shift.shiftId, withReturn(shift.figures, { refundCents, refund }));
      const body = { returnId: id, saleId, returnedAt: step.nowText, reason, lines, refundCents };
      step.entry('sale.return', id, body, request);
      return { value: this.return(id) as Return };
    });
  }

  #foreignLines({ lines }: ReturnRequest): Return['lines'][number][] | ReturnRefusal {
    const priced: Return['lines'][number][] = [];
    for (const { productId, quantity, unitPriceCents } of lines) {
      const price = unitPriceCents ?? this.#catalogue.product(productId)?.priceCents;
      if (price === undefined) return { reason: 'product-unknown' };
      priced.push({ productId, quantity, unitPriceCents: price });
    }
    return priced;
  }

  /** The units with the prices at which they were sold. A sale's lines of one product have one price. */
  #ownLines(saleId: string, { lines }: ReturnRequest): Return['lines'][number][] | ReturnRefusal {
    const sale = this.sale(saleId);
    if (sale === undefined) return { reason: 'sale-unknown' };
    if (sale.voidedAt !== null) return { reason: 'sale-voided' };
    const returnable = unitsOf(sale.lines);
    for (const earlier of this.returnsOf(saleId)) {
      for (const { productId, quantity } of earlier.lines) {
        returnable.set(productId, (returnable.get(productId) ?? 0) - quantity);
      }
    }
    const tooMany = [...unitsOf(lines)]
      .filter(([productId, quantity]) => quantity > (returnable.get(productId) ?? 0))
      .map(([productId]) => ({ productId, returnable: returnable.get(productId) ?? 0 }));
    if (tooMany.length > 0) return { reason: 'more-than-sold', lines: tooMany };
    const prices = new Map(sale.lines.map(({ productId, unitPriceCents }) => [productId, unitPriceCents]));
    return lines.map(({ productId, quantity }) => ({
      productId,
      quantity,
      unitPriceCents: prices.get(productId) ?? 0,
    }));
  }

  #restock(step: Step, { productId, quantity }: { readonly productId: string; readonly quantity: number }): void {
    const { sql } = this.#recorder;
    const before = holdingOf(sql, productId);
    const after = restock(step.holder, before, quantity);
    if (after !== before) storeHolding(sql, productId, after);
  }

  sale(saleId: string): Sale | undefined {
    const row = this.#row(saleId);
    return row && saleOf(row, this.#settings.branchId);
  }

  saleWithReceipt(receiptNumber: string): Sale | undefined {
    const row = this.#recorder.sql.get<SaleRow>('SELECT * FROM sales WHERE receipt_number = ?', receiptNumber);
    return row && saleOf(row, this.#settings.branchId);
  }

  /** The latest first. */
  page({ limit, before }: Page): Sale[] {
    return this.#recorder.sql
      .all<SaleRow>(
        `SELECT * FROM sales WHERE n < coalesce((SELECT n FROM sales WHERE sale_id = ?), ${LAST})
         ORDER BY n DESC LIMIT ?`,
        before ?? '',
        limit,
      )
      .map((row) => saleOf(row, this.#settings.branchId));
  }

  return(returnId: string): Return | undefined {
    const row = this.#recorder.sql.get<ReturnRow>('SELECT * FROM returns WHERE return_id = ?', returnId);
    return row && returnOf(row);
  }

  returnsOf(saleId: string): Return[] {
    return this.#recorder.sql
      .all<ReturnRow>('SELECT * FROM returns WHERE sale_id = ? ORDER BY n', saleId)
      .map(returnOf);
  }

  /** Sales from `fromAt` on and before `untilAt`, by the branch's clock. */
  stats({ fromAt = '', untilAt = '9999' }: StatsFilter = {}): SaleStats {
    const { sql } = this.#recorder;
    const sales = sql.get<{ count: number; revenue: number; voids: number }>(
      `SELECT count(*) FILTER (WHERE voided_at IS NULL) AS count, count(voided_at) AS voids,
              coalesce(sum(total_cents) FILTER (WHERE voided_at IS NULL), 0) AS revenue
       FROM sales WHERE sold_at >= ? AND sold_at < ?`,
      fromAt,
      untilAt,
    ) ?? { count: 0, revenue: 0, voids: 0 };
    const returns = sql.get<{ count: number; refund: number }>(
      `SELECT count(*) AS count, coalesce(sum(refund_cents), 0) AS refund FROM returns
       WHERE returned_at >= ? AND returned_at < ?`,
      fromAt,
      untilAt,
    ) ?? { count: 0, refund: 0 };
    const { count, revenue: revenueCents, voids } = sales;
    const averageCents = count === 0 ? 0 : Math.round(revenueCents / count);
    return { count, revenueCents, averageCents, voids, returns: returns.count, refundCents: returns.refund };
  }

  #row(saleId: string): SaleRow | undefined {
    return this.#recorder.sql.get<SaleRow>('SELECT * FROM sales WHERE sale_id = ?', saleId);
  }
}

function unitsOf(lines: readonly { readonly productId: string; readonly quantity: number }[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}

function saleOf(row: SaleRow, branchId: string): Sale {
  return {
    saleId: row.sale_id,
    receiptNumber: row.receipt_number,
    branchId,
    till: row.till,
    shiftId: row.shift_id,
    soldAt: row.sold_at,
    customerId: row.customer_id,
    soldBy: row.sold_by,
    lines: JSON.parse(row.lines) as SaleLine[],
    payment: JSON.parse(row.payment) as SalePayment,
    totalCents: row.total_cents,
    voidedAt: row.voided_at,
    voidReason: row.void_reason,
    isLate: row.is_late === 1,
  };
}

function returnOf(row: ReturnRow): Return {
  return {
    returnId: row.return_id,
    saleId: row.sale_id,
    till: row.till,
    shiftId: row.shift_id,
    returnedAt: row.returned_at,
    reason: row.reason,
    refund: row.refund,
    refundCents: row.refund_cents,
    lines: JSON.parse(row.lines) as Return['lines'],
  };
}
