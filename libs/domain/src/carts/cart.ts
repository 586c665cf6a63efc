import type { Stamp } from '@eco/contracts';
import { remove, upsert, type Noun } from '../noun.js';

export interface CartItem {
  productId: string;
  quantity: number;
  stamp: Stamp;
  /** The order that took the item out of the cart, and the stamp of its checkout; null if no order did. */
  ordered: { orderId: string; stamp: Stamp } | null;
}

export interface Cart {
  customerId: string;
  /** Items with this stamp or a lower one are removed from the cart. */
  clearedStamp: Stamp | null;
  items: CartItem[];
}

export interface CartRow {
  customerId: string;
  bucket: number;
  clearedStamp: Stamp;
}

export interface CartItemRow extends CartItem {
  customerId: string;
  bucket: number;
}

export const carts = {
  keys: {
    /** Customers whose carts are edited, cleared or checked out. */
    cartCustomerIds: 'what-fits',
    /** Customers whose carts are checked out. The products in these carts are loaded too, with their levels. */
    checkOutCustomerIds: 'all',
  },
  state: { carts: () => new Map<string, Cart>() },
  rows: {
    carts: upsert<CartRow>('customerId'),
    /** These rows are removed before `cartItems` are stored, because `cartItems` may contain the same product again. */
    removedCartItems: remove<Pick<CartItemRow, 'customerId' | 'productId'>>('cartItems', 'customerId', 'productId'),
    cartItems: upsert<CartItemRow>('customerId', 'productId'),
  },
} satisfies Noun;
