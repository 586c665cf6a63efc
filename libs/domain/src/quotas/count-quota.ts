import { done, refused, whyNotOwned, type Rules } from '../rules.js';
import { moveAt, unitsAt } from './branch-stock.js';
import { needEntry } from './holder.js';
import { countedAt } from './unit-shares.js';

export const countQuota: Rules<'quota.count'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.productIds.add(body.productId);
    keys.stockProductIds.add(body.productId);
  },
  /** What is missing beyond the record stays open as a discrepancy. Those that were open are explained by the count. */
  decide(command, state) {
    const { id, body } = command;
    const { branchId, productId, expected, counted } = body;
    const elsewhere = whyNotOwned([productId], state);
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    if (!state.catalogue.existsOrExisted(productId)) return refused('product-unknown');
    const delta = counted - expected;
    const { onHand, excess, settled } = countedAt(unitsAt(branchId, productId, state), delta);
    moveAt(branchId, productId, 'settled', { discrepancy: -settled }, id, state);
    moveAt(branchId, productId, 'counted', { onHand, discrepancy: excess }, id, state);
    const data = { branchId, productId, delta, settled };
    return done({ ...data, excess }, { type: 'quota.counted', data });
  },
};
