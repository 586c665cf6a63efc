import type { Stamp } from '@eco/contracts';
import { remove, upsert, type Noun } from '../noun.js';

export interface CartItem {
  productId: string;
  quantity: number;
  stamp: Stamp;
  /** The order that removed it from the cart, and the checkout's stamp; null: none did. */
  ordered: { orderId: string; stamp: Stamp } | null;
}

export interface Cart {
  customerId: string;
  /** Items whose stamp is not above this are removed. */
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
    /** Those who check out: the products in their carts are loaded too, with their levels. */
    checkOutCustomerIds: 'all',
  },
  state: { carts: () => new Map<string, Cart>() },
  rows: {
    carts: upsert<CartRow>('customerId'),
    /** Removed before `cartItems` are stored, which may contain the same product again. */
    removedCartItems: remove<Pick<CartItemRow, 'customerId' | 'productId'>>('cartItems', 'customerId', 'productId'),
    cartItems: upsert<CartItemRow>('customerId', 'productId'),
  },
} satisfies Noun;
