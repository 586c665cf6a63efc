import { bookVoid } from '../quota/account.js';
import { accountAt, moveAt, unitsByProduct } from '../quotas/branch-account.js';
import { needEntry } from '../quotas/holder.js';
import { done, refused, whyNotOwned, type Rules } from '../rules.js';

export const voidSale: Rules<'sale.void'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.saleIds.add(body.saleId);
  },
  decide(command, state) {
    const { saleId, branchId, voidedAt, reason } = command.body;
    const sale = state.sales.find(saleId, branchId);
    const lines = (sale?.lines ?? []).map(({ productId, quantity, unitPriceCents }) => {
      return { productId, quantity, unitPriceCents };
    });
    const elsewhere = whyNotOwned(
      lines.map(({ productId }) => productId),
      state,
    );
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    if (sale === undefined) return refused('sale-unknown');
    if (sale.voidedAt !== null) return refused('sale-voided');
    for (const [productId, quantity] of unitsByProduct(lines)) {
      const { deltas } = bookVoid(accountAt(branchId, productId, state), quantity);
      moveAt(branchId, productId, 'voided', deltas, command.id, state);
    }
    state.sales.void(sale, voidedAt, reason);
    const data = { saleId, branchId, voidedAt, totalCents: sale.totalCents, lines };
    return done({ saleId, branchId }, { type: 'sale.voided', data });
  },
};
