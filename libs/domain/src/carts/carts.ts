import { MAX_CART_PRODUCTS, type OrderLine, type Stamp } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState, CartItem } from '../state.js';

type ClearedRow = Effects['carts'][number];
type ItemRow = Effects['cartItems'][number];

interface WorkingCart {
  customerId: string;
  bucket: number;
  clearedStamp: Stamp | null;
  items: Map<string, Readonly<CartItem>>;
  clearedRow: ClearedRow | undefined;
  itemRows: Map<string, ItemRow>;
}

/**
 * The carts while a batch is decided. An item is the edit with the highest stamp, and is in the cart while its quantity
 * is not 0 and its stamp is above the one that cleared the cart. Both only rise, so any order of arrival ends in the
 * same cart, and nothing has to wait for a message that is late.
 */
export class Carts {
  private readonly working = new Map<string, WorkingCart>();

  constructor(
    private readonly stored: BatchState['carts'],
    private readonly buckets: Buckets,
    private readonly effects: Pick<Effects, 'carts' | 'cartItems' | 'removedCartItems'>,
  ) {}

  /** False: something newer is there, or the cart was cleared since. */
  edit(customerId: string, { productId, quantity, stamp }: CartItem): boolean {
    const cart = this.cart(customerId);
    const present = cart.items.get(productId);
    if (present !== undefined && present.stamp >= stamp) return false;
    if (cart.clearedStamp !== null && cart.clearedStamp >= stamp) return false;
    let row = cart.itemRows.get(productId);
    if (row === undefined) {
      row = { productId, quantity, stamp, customerId, bucket: cart.bucket };
      cart.itemRows.set(productId, row);
      cart.items.set(productId, row);
      this.effects.cartItems.push(row);
    } else {
      row.quantity = quantity;
      row.stamp = stamp;
    }
    return true;
  }

  /**
   * Lets a cart keep one more product. In a full one, the item that has been out of it the longest makes room: what is in
   * the cart is never given up. An edit of that product which is older still and comes later would then be done. False: all
   * are in the cart.
   */
  makeRoom(customerId: string, productId: string): boolean {
    const cart = this.cart(customerId);
    if (cart.items.size < MAX_CART_PRODUCTS || cart.items.has(productId)) return true;
    const out = [...cart.items.values()].filter((item) => !isIn(cart, item));
    if (out.length === 0) return false;
    const oldest = out.reduce((a, b) => (b.stamp < a.stamp ? b : a));
    cart.items.delete(oldest.productId);
    if (cart.itemRows.delete(oldest.productId)) {
      this.effects.cartItems = this.effects.cartItems.filter((row) => row !== oldest);
    }
    this.effects.removedCartItems.push({ customerId, productId: oldest.productId });
    return true;
  }

  /** Takes out all that was put in up to `stamp`. False: it was cleared later than that already. */
  clear(customerId: string, stamp: Stamp): boolean {
    const cart = this.cart(customerId);
    if (cart.clearedStamp !== null && cart.clearedStamp >= stamp) return false;
    cart.clearedStamp = stamp;
    if (cart.clearedRow === undefined) {
      cart.clearedRow = { customerId, bucket: cart.bucket, clearedStamp: stamp };
      this.effects.carts.push(cart.clearedRow);
    } else cart.clearedRow.clearedStamp = stamp;
    return true;
  }

  /** What the cart held at `stamp`, by product id, as far as it has not been edited since. */
  linesAsOf(customerId: string, stamp: Stamp): OrderLine[] {
    const cart = this.cart(customerId);
    const lines: OrderLine[] = [];
    for (const item of cart.items.values()) {
      if (item.stamp <= stamp && isIn(cart, item)) {
        lines.push({ productId: item.productId, quantity: item.quantity });
      }
    }
    return lines.sort((a, b) => (a.productId < b.productId ? -1 : 1));
  }

  private cart(customerId: string): WorkingCart {
    let cart = this.working.get(customerId);
    if (cart === undefined) {
      const stored = this.stored.get(customerId);
      cart = {
        customerId,
        bucket: this.buckets.of(customerId),
        clearedStamp: stored?.clearedStamp ?? null,
        items: new Map(stored?.items.map((item) => [item.productId, item])),
        clearedRow: undefined,
        itemRows: new Map(),
      };
      this.working.set(customerId, cart);
    }
    return cart;
  }
}

function isIn({ clearedStamp }: WorkingCart, { quantity, stamp }: Readonly<CartItem>): boolean {
  return quantity > 0 && (clearedStamp === null || stamp > clearedStamp);
}
