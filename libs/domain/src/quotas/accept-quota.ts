import { CENTRAL, type CommandOf } from '@eco/contracts';
import { forgottenGrant } from '../quota/recovery.js';
import { done, refused, whyNotOwned, type Rules } from '../rules.js';
import { availableOf } from '../stock/stock-ledger.js';
import type { WorkingState } from '../working-state.js';
import { moveOnHand } from '../stock/move-stock.js';
import { needEntry } from './holder.js';

/** The units of a grant or a transfer are spendable at the branch. All of them arrive. */
/**
 * Units that a restored home has forgotten: they are in its pool again, and become the branch's. Undefined: the home knows
 * the transfer, or waits for nothing of this branch.
 */
function acceptForgotten({ id, body }: CommandOf<'quota.accept'>, state: WorkingState) {
  const { transferId, branchId, productId, quantity: asked = 0 } = body;
  if (state.holders.awaitedEpochOf(branchId) === undefined) return undefined;
  if (state.transfers.find(transferId, productId) !== undefined) return undefined;
  const pool = state.stock.level(productId, CENTRAL);
  const quantity = forgottenGrant(availableOf(pool), asked, false);
  if (quantity === 0) return undefined;
  moveOnHand(pool, 'sent', -quantity, id, state);
  moveOnHand(state.stock.level(productId, branchId), 'arrived', quantity, id, state);
  const transfer = {
    transferId,
    productId,
    from: CENTRAL,
    to: branchId,
    quantity,
    sentAt: state.at,
    writtenOffAt: null,
  };
  state.transfers.send({ ...transfer, status: 'arrived', arrivedAt: state.at, reason: null });
  return done<'quota.accept'>({ transferId, branchId, productId, quantity, wasForgotten: true });
}

export const acceptQuota: Rules<'quota.accept'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.transferIds.add(body.transferId);
    keys.stockProductIds.add(body.productId);
  },
  decide(command, state) {
    const { transferId, branchId, productId } = command.body;
    const elsewhere = whyNotOwned([productId], state);
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    const forgotten = acceptForgotten(command, state);
    if (forgotten !== undefined) return forgotten;
    if (state.transfers.find(transferId, productId)?.to !== branchId) return refused('transfer-unknown');
    const transfer = state.transfers.inTransit(transferId, productId);
    if ('type' in transfer) return transfer;
    const { quantity } = transfer;
    moveOnHand(state.stock.level(productId, branchId), 'arrived', quantity, command.id, state);
    state.transfers.arrive(transfer, state.at);
    return done({ transferId, branchId, productId, quantity });
  },
};
