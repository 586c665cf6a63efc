import { bookReturn } from '../quota/account.js';
import { moveAt, unitsByProduct } from '../quotas/branch-account.js';
import { needEntry } from '../quotas/holder.js';
import { done, whyNotOwned, type Rules } from '../rules.js';

/** Units of other places were not in the branch's quota, and nobody has checked them: they go into quarantine. */
export const returnSale: Rules<'sale.return'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    for (const { productId } of body.lines) keys.stockProductIds.add(productId);
  },
  decide(command, state) {
    const { id, body } = command;
    const { returnId, branchId, saleId, returnedAt, reason, refundCents } = body;
    const lines = body.lines.map(({ productId, quantity, unitPriceCents }) => ({
      productId,
      quantity,
      unitPriceCents,
    }));
    const elsewhere = whyNotOwned(
      lines.map(({ productId }) => productId),
      state,
    );
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    for (const [productId, quantity] of unitsByProduct(lines)) {
      moveAt(branchId, productId, 'returned', bookReturn(quantity, saleId !== null).deltas, id, state);
    }
    const facts = { returnId, branchId, saleId, returnedAt, refundCents, lines };
    state.sales.takeBack({ ...facts, reason, bucket: state.buckets.of(branchId) });
    return done({ returnId, branchId }, { type: 'sale.returned', data: facts });
  },
};
