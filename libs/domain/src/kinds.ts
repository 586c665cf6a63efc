import type { Command, CommandKind, CommandOf, OwnedKind } from '@eco/contracts';
import { checkOutCart } from './carts/check-out-cart.js';
import { clearCart } from './carts/clear-cart.js';
import { editCart } from './carts/edit-cart.js';
import { createProduct } from './catalogue/create-product.js';
import { deleteProduct } from './catalogue/delete-product.js';
import { updateProduct } from './catalogue/update-product.js';
import { eraseCustomer } from './customers/erase-customer.js';
import { registerCustomer } from './customers/register-customer.js';
import { updateCustomer } from './customers/update-customer.js';
import { discardDeadLetter } from './dead-letters/discard-dead-letter.js';
import { cancelOrder } from './orders/cancel-order.js';
import { fulfilOrder } from './orders/fulfil-order.js';
import { placeOrder } from './orders/place-order.js';
import { returnOrder } from './orders/return-order.js';
import { acceptQuota } from './quotas/accept-quota.js';
import { countQuota } from './quotas/count-quota.js';
import { fetchQuota } from './quotas/fetch-quota.js';
import { giveBackQuota } from './quotas/give-back-quota.js';
import { recallQuota } from './quotas/recall-quota.js';
import { reportBranch } from './quotas/report-branch.js';
import { settleQuota } from './quotas/settle-quota.js';
import { unfreezeBranch } from './quotas/unfreeze-branch.js';
import { writeOffQuota } from './quotas/write-off-quota.js';
import { confirmReservation } from './reservations/confirm-reservation.js';
import { createReservation } from './reservations/create-reservation.js';
import { expireReservation } from './reservations/expire-reservation.js';
import { releaseReservation } from './reservations/release-reservation.js';
import type { OwnedRules, Rules } from './rules.js';
import { closeShift } from './sales/close-shift.js';
import { recordSale } from './sales/record-sale.js';
import { returnSale } from './sales/return-sale.js';
import { voidSale } from './sales/void-sale.js';
import { adjustStock } from './stock/adjust-stock.js';
import { countStock } from './stock/count-stock.js';
import { receiveStock } from './stock/receive-stock.js';
import { receiveTransfer } from './transfers/receive-transfer.js';
import { sendTransfer } from './transfers/send-transfer.js';
import { writeOffTransfer } from './transfers/write-off-transfer.js';
import type { WorkingState } from './working-state.js';

const rules: { [K in CommandKind]: K extends OwnedKind ? OwnedRules<K> : Rules<K> } = {
  'order.place': placeOrder,
  'cart.edit': editCart,
  'cart.clear': clearCart,
  'cart.checkout': checkOutCart,
  'customer.register': registerCustomer,
  'customer.update': updateCustomer,
  'customer.erase': eraseCustomer,
  'product.create': createProduct,
  'product.update': updateProduct,
  'product.delete': deleteProduct,
  'reservation.create': createReservation,
  'reservation.confirm': confirmReservation,
  'reservation.release': releaseReservation,
  'reservation.expire': expireReservation,
  'order.cancel': cancelOrder,
  'order.fulfil': fulfilOrder,
  'order.return': returnOrder,
  'stock.receive': receiveStock,
  'stock.adjust': adjustStock,
  'stock.count': countStock,
  'transfer.send': sendTransfer,
  'transfer.receive': receiveTransfer,
  'transfer.write-off': writeOffTransfer,
  'sale.record': recordSale,
  'sale.void': voidSale,
  'sale.return': returnSale,
  'shift.close': closeShift,
  'quota.fetch': fetchQuota,
  'quota.accept': acceptQuota,
  'quota.give-back': giveBackQuota,
  'quota.count': countQuota,
  'branch.report': reportBranch,
  'quota.recall': recallQuota,
  'quota.write-off': writeOffQuota,
  'quota.settle': settleQuota,
  'branch.unfreeze': unfreezeBranch,
  'dead-letter.discard': discardDeadLetter,
};

export function rulesOf(command: Command): Rules<CommandKind> {
  return rules[command.kind];
}

/**
 * Owner of the stored object that the command acts on: a branch or `central`. Undefined: the command acts on none, or
 * none is stored.
 */
export function ownerOf(command: Command, state: WorkingState): string | undefined {
  return (rules[command.kind] as Partial<OwnedRules<OwnedKind>>).ownerOf?.(command as CommandOf<OwnedKind>, state);
}
