import { bookSale } from '../quota/account.js';
import { accountAt, moveAt, unitsByProduct } from '../quotas/branch-account.js';
import { needEntry } from '../quotas/holder.js';
import { done, whyNotOwned, type Rules } from '../rules.js';
import type { Excess } from './sale.js';

/**
 * The goods have left the shop, so the sale is never refused. It never takes units of the pool: what the branch did not
 * hold is booked as a discrepancy.
 */
export const recordSale: Rules<'sale.record'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.shiftIds.add(body.shiftId);
    for (const { productId } of body.lines) keys.stockProductIds.add(productId);
  },
  decide(command, state) {
    const { id, body } = command;
    const { saleId, branchId, till, receiptNumber, shiftId, soldAt, customerId, lines, payment, totalCents } = body;
    const elsewhere = whyNotOwned(
      lines.map(({ productId }) => productId),
      state,
    );
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    const excess: Excess[] = [];
    for (const [productId, quantity] of unitsByProduct(lines)) {
      const { deltas } = bookSale(accountAt(branchId, productId, state), quantity);
      moveAt(branchId, productId, 'sold', deltas, id, state);
      const { discrepancy = 0 } = deltas;
      if (discrepancy > 0) excess.push({ productId, quantity: discrepancy });
    }
    const isLate = state.sales.isClosed(shiftId);
    const bucket = state.buckets.of(branchId);
    const facts = { saleId, branchId, till, receiptNumber, shiftId, soldAt, customerId, lines, payment, totalCents };
    state.sales.record({ ...facts, bucket, excess, isLate });
    const moved = lines.map(({ productId, quantity, unitPriceCents }) => ({ productId, quantity, unitPriceCents }));
    const data = { saleId, branchId, receiptNumber, soldAt, totalCents, lines: moved, excess };
    return done({ saleId, branchId, excess, isLate }, { type: 'sale.recorded', data });
  },
};
