import { CENTRAL } from '@eco/contracts';
import { done, refused, type Rules } from '../rules.js';
import { moveOnHand } from '../stock/move-stock.js';
import { availableOf } from '../stock/stock-ledger.js';
import { grantOf } from './grant-rule.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

/** The grant is a transfer from the pool: until the branch has stored it, its units are in transit. */
export const fetchQuota: Rules<'quota.fetch'> = {
  need({ body }, keys) {
    needUnits(body, keys);
    keys.holderIds.add(body.branchId);
    keys.transferIds.add(body.transferId);
  },
  decide({ id, body }, state) {
    const { transferId, branchId, productId } = body;
    const unknown = whyNoUnitsOf(body, state);
    if (unknown !== undefined) return unknown;
    // A deleted product is not sold any more.
    if (state.catalogue.find(productId) === undefined) return refused('product-unknown');
    const why = state.holders.whyNoUnits(branchId);
    if (why !== undefined) return refused(`branch-${why}`);
    // A restored home may have learned of the grant from the branch, before a late copy of the request arrived.
    const isKnown = state.transfers.find(transferId, productId) !== undefined;
    if (isKnown || !state.holders.mayUsePool) return refused('nothing-to-grant');
    const pool = state.stock.level(productId, CENTRAL);
    const quantity = grantOf({ available: availableOf(pool), asked: body.quantity });
    if (quantity === 0) return refused('nothing-to-grant');
    moveOnHand(pool, 'sent', -quantity, id, state);
    state.transfers.send({
      transferId,
      productId,
      from: CENTRAL,
      to: branchId,
      quantity,
      status: 'in-transit',
      sentAt: state.at,
      arrivedAt: null,
      writtenOffAt: null,
      reason: null,
    });
    const granted = { transferId, branchId, productId, quantity };
    return done(granted, { type: 'quota.granted', data: granted });
  },
};
