import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Sale, SaleReturnRow, SaleRow, ShiftRow } from './sale.js';

type Stored = Pick<BatchState, 'sales' | 'closedShifts'>;
type SaleEffects = Pick<Effects, 'sales' | 'saleVoids' | 'saleReturns' | 'shifts'>;

/** The sales and shifts of branches: as loaded, plus those of this batch. */
export class Sales {
  readonly #working = new Map<string, Sale>();
  readonly #closed = new Set<string>();
  readonly #stored: Stored;
  readonly #effects: SaleEffects;

  constructor(stored: Stored, effects: SaleEffects) {
    this.#stored = stored;
    this.#effects = effects;
  }

  /** The sale. Undefined: it does not exist, or is of another branch. */
  find(saleId: string, branchId: string): Readonly<Sale> | undefined {
    const sale = this.#working.get(saleId) ?? this.#stored.sales.get(saleId);
    return sale?.branchId === branchId ? sale : undefined;
  }

  record(sale: SaleRow): void {
    this.#working.set(sale.saleId, { ...sale, voidedAt: null });
    this.#effects.sales.push(sale);
  }

  void(sale: Readonly<Sale>, voidedAt: string, voidReason: string): void {
    this.#working.set(sale.saleId, { ...sale, voidedAt });
    this.#effects.saleVoids.push({ saleId: sale.saleId, voidedAt, voidReason });
  }

  takeBack(units: SaleReturnRow): void {
    this.#effects.saleReturns.push(units);
  }

  isClosed(shiftId: string): boolean {
    return this.#closed.has(shiftId) || this.#stored.closedShifts.has(shiftId);
  }

  close(shift: ShiftRow): void {
    this.#closed.add(shift.shiftId);
    this.#effects.shifts.push(shift);
  }
}
