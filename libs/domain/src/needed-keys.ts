import { rulesOf } from './kinds.js';
import type { Arrived } from './effects.js';
import type { KeySets } from './rules.js';
import type { NeededKeys } from './state.js';

/** What must be loaded to decide these: outcomes and dead letters by command id, and what each kind's rules read. */
export function neededKeys(arrived: readonly Arrived[]): NeededKeys {
  const keys: KeySets = {
    commandIds: new Set(),
    productIds: new Set(),
    customerIds: new Set(),
    cartCustomerIds: new Set(),
    checkOutCustomerIds: new Set(),
    orderIds: new Set(),
    reservationIds: new Set(),
    transferIds: new Set(),
    stockProductIds: new Set(),
    locations: new Set(),
  };
  for (const one of arrived) {
    if (one.readable) {
      keys.commandIds.add(one.command.id);
      rulesOf(one.command).need(one.command, keys);
    } else keys.commandIds.add(one.commandId);
  }
  return {
    commandIds: [...keys.commandIds],
    productIds: [...keys.productIds],
    customerIds: [...keys.customerIds],
    cartCustomerIds: [...keys.cartCustomerIds],
    checkOutCustomerIds: [...keys.checkOutCustomerIds],
    orderIds: [...keys.orderIds],
    reservationIds: [...keys.reservationIds],
    transferIds: [...keys.transferIds],
    stockProductIds: [...keys.stockProductIds],
    locations: [...keys.locations],
  };
}
