import { bookCount } from '../quota/account.js';
import { done, refused, whyNotOwned, type Rules } from '../rules.js';
import { accountAt, moveAt } from './branch-account.js';
import { needEntry } from './holder.js';

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
    const { deltas, excess, settled } = bookCount(accountAt(branchId, productId, state), expected, counted);
    const { level = 0, writtenOff = 0 } = deltas;
    moveAt(branchId, productId, 'settled', { discrepancy: -settled }, id, state);
    moveAt(branchId, productId, 'counted', { level, writtenOff, discrepancy: excess }, id, state);
    const delta = level + writtenOff - excess;
    const data = { branchId, productId, delta, settled };
    return done({ ...data, excess }, { type: 'quota.counted', data });
  },
};
