import type { Command, CommandKind } from '@eco/contracts';
import { checkOutCart } from './carts/check-out-cart.js';
import { clearCart } from './carts/clear-cart.js';
import { editCart } from './carts/edit-cart.js';
import { createProduct } from './catalogue/create-product.js';
import { deleteProduct } from './catalogue/delete-product.js';
import { updateProduct } from './catalogue/update-product.js';
import { registerCustomer } from './customers/register-customer.js';
import { placeOrder } from './orders/place-order.js';
import type { Rules } from './rules.js';

const rules: { [K in CommandKind]: Rules<K> } = {
  'order.place': placeOrder,
  'cart.edit': editCart,
  'cart.clear': clearCart,
  'cart.checkout': checkOutCart,
  'customer.register': registerCustomer,
  'product.create': createProduct,
  'product.update': updateProduct,
  'product.delete': deleteProduct,
};

export function rulesOf(command: Command): Rules<CommandKind> {
  return rules[command.kind];
}
