import {
  CLOCK_SKEW_MS_MAX,
  highestStamp,
  MAX_ORDER_LINES,
  MAX_CART_PRODUCTS,
  nextStamp,
  senderOf,
  stampMs,
  stampOf,
} from '@eco/contracts';
import type { CartEdited, OrderLine, Stamp } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Cart, CartItem } from './cart.js';

type ClearedRow = Effects['carts'][number];
type ItemRow = Effects['cartItems'][number];
type Ordered = NonNullable<CartItem['ordered']>;

interface WorkingCart {
  customerId: string;
  bucket: number;
  clearedStamp: Stamp | null;
  items: Map<string, Readonly<CartItem>>;
  /** The highest stamp that this cart has seen. */
  highest: Stamp | undefined;
  clearedRow: ClearedRow | undefined;
  itemRows: Map<string, ItemRow>;
}

const APPLIED: CartEdited = { applied: true };

/**
 * The carts while a batch is decided. An item is the edit with the highest stamp. It is in the cart while its quantity
 * is not 0 and its stamp is above the stamp of the last clear. Both stamps only rise, so any order of arrival ends in
 * the same cart, and nothing waits for a late message. An order removes exactly the items it consists of. So an edit
 * that arrives later and is not older than the ordered items is in the cart.
 *
 * A stamp ahead of the group's clock shows only that its command was made before it arrived. So it counts as the cart's
 * next stamp: after everything that arrived earlier, and before everything made from now on.
 */
export class Carts {
  readonly #working = new Map<string, WorkingCart>();
  readonly #atMs: number;
  /**
   * A command whose stamp is ahead of the clock counts as made after this time, because a correct sender is ahead by at
   * most the allowed skew.
   */
  readonly #aheadMadeAfterMs: number;
  readonly #stored: BatchState['carts'];
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'carts' | 'cartItems' | 'removedCartItems'>;

  constructor(
    stored: BatchState['carts'],
    buckets: Buckets,
    effects: Pick<Effects, 'carts' | 'cartItems' | 'removedCartItems'>,
    at: string,
  ) {
    this.#stored = stored;
    this.#buckets = buckets;
    this.#effects = effects;
    this.#atMs = Date.parse(at);
    this.#aheadMadeAfterMs = this.#atMs - CLOCK_SKEW_MS_MAX;
  }

  edit(customerId: string, productId: string, quantity: number, asked: Stamp): CartEdited {
    const cart = this.#cart(customerId);
    const stamp = this.#effectiveStamp(cart, asked);
    const { clearedStamp } = cart;
    if (clearedStamp !== null && clearedStamp >= stamp) {
      return { applied: false, reason: 'cleared', stamp: clearedStamp };
    }
    const present = cart.items.get(productId);
    if (present !== undefined && present.stamp >= stamp) {
      const { ordered } = present;
      if (ordered === null) return { applied: false, reason: 'superseded', stamp: present.stamp };
      return { applied: false, reason: 'ordered', stamp: present.stamp, orderId: ordered.orderId };
    }
    const ordered = quantity === 0 ? orderedBefore(present, stamp) : undefined;
    // The edit is kept even if there is nothing to remove, because an older edit may still arrive.
    this.#put(cart, { productId, quantity, stamp, ordered: ordered ?? null });
    return ordered === undefined ? APPLIED : { applied: false, ...lostTo(ordered) };
  }

  /**
   * Makes room for an edit of a product. False: the cart has as many products as it may. A removal, and another quantity
   * of a product in the cart, need no room.
   *
   * If too many products were removed, the one that was removed longest ago is dropped; an item in the cart is never
   * dropped. An even older edit of the dropped product that arrives later would then take effect.
   */
  makeRoom(customerId: string, productId: string, quantity: number): boolean {
    const cart = this.#cart(customerId);
    if (cart.items.size < MAX_ORDER_LINES) return true;
    const present = cart.items.get(productId);
    const isAdded = quantity > 0 && (present === undefined || !isIn(cart, present));
    const out = [...cart.items.values()].filter((item) => !isIn(cart, item));
    if (isAdded && cart.items.size - out.length >= MAX_ORDER_LINES) return false;
    if (present !== undefined || cart.items.size < MAX_CART_PRODUCTS) return true;
    if (out.length === 0) return false;
    const oldest = out.reduce((a, b) => (b.stamp < a.stamp ? b : a));
    cart.items.delete(oldest.productId);
    cart.itemRows.delete(oldest.productId);
    this.#effects.removedCartItems.push({ customerId, productId: oldest.productId });
    return true;
  }

  /** Removes all items that were added up to the stamp `asked`. */
  clear(customerId: string, asked: Stamp): CartEdited {
    const cart = this.#cart(customerId);
    const stamp = this.#effectiveStamp(cart, asked);
    const { clearedStamp } = cart;
    if (clearedStamp !== null && clearedStamp >= stamp) {
      return { applied: false, reason: 'cleared', stamp: clearedStamp };
    }
    this.#setCleared(cart, stamp);
    for (const item of cart.items.values()) {
      const ordered = item.stamp <= stamp ? orderedBefore(item, stamp) : undefined;
      if (ordered !== undefined) return { applied: true, ...lostTo(ordered) };
    }
    return APPLIED;
  }

  /**
   * The lines that a checkout made at the stamp `asked` orders, by product id, and the stamp by which the checkout
   * counts. It sees the cart as of its stamp, except for items that were edited since. If it arrives within the allowed
   * skew of its stamp, it also sees all earlier arrivals: its clock may merely be behind the clock of an edit.
   */
  checkout(customerId: string, asked: Stamp): { lines: OrderLine[]; stamp: Stamp } {
    const cart = this.#cart(customerId);
    const stamp = this.#effectiveStamp(cart, asked);
    const isPrompt = stampMs(asked) >= this.#atMs - CLOCK_SKEW_MS_MAX;
    const lines: OrderLine[] = [];
    for (const item of cart.items.values()) {
      const isSeen = isPrompt || item.stamp <= stamp;
      if (item.quantity > 0 && isSeen && (cart.clearedStamp === null || item.stamp > cart.clearedStamp)) {
        lines.push({ productId: item.productId, quantity: item.quantity });
      }
    }
    lines.sort((a, b) => (a.productId < b.productId ? -1 : 1));
    return { lines, stamp };
  }

  /** Removes the ordered items. The items keep their stamps: an older edit of them arrives too late. */
  takeOut(customerId: string, lines: readonly OrderLine[], ordered: Ordered): void {
    const cart = this.#cart(customerId);
    for (const { productId } of lines) {
      const { stamp } = cart.items.get(productId) as CartItem;
      this.#put(cart, { productId, quantity: 0, stamp, ordered });
    }
  }

  /** Adds the rows of changed items; call it when all is decided. A dropped item has none. */
  addItems(): void {
    for (const { itemRows } of this.#working.values()) this.#effects.cartItems.push(...itemRows.values());
  }

  /** The stamp by which a command counts in this cart. From then on it is the least that the cart has seen. */
  #effectiveStamp(cart: WorkingCart, asked: Stamp): Stamp {
    const stamp =
      stampMs(asked) > this.#atMs ? nextStamp(cart.highest, this.#aheadMadeAfterMs, senderOf(asked)) : asked;
    cart.highest = highestStamp(cart.highest, stamp);
    return stamp;
  }

  #put(cart: WorkingCart, item: CartItem): void {
    const row = cart.itemRows.get(item.productId);
    if (row !== undefined) {
      Object.assign(row, item);
      return;
    }
    const added = { ...item, customerId: cart.customerId, bucket: cart.bucket };
    cart.itemRows.set(item.productId, added);
    cart.items.set(item.productId, added);
  }

  #setCleared(cart: WorkingCart, stamp: Stamp): void {
    cart.clearedStamp = stamp;
    if (cart.clearedRow === undefined) {
      cart.clearedRow = { customerId: cart.customerId, bucket: cart.bucket, clearedStamp: stamp };
      this.#effects.carts.push(cart.clearedRow);
    } else cart.clearedRow.clearedStamp = stamp;
  }

  #cart(customerId: string): WorkingCart {
    let cart = this.#working.get(customerId);
    if (cart === undefined) {
      const stored = this.#stored.get(customerId);
      cart = {
        customerId,
        bucket: this.#buckets.of(customerId),
        clearedStamp: stored?.clearedStamp ?? null,
        items: new Map(stored?.items.map((item) => [item.productId, item])),
        highest: undefined,
        clearedRow: undefined,
        itemRows: new Map(),
      };
      if (stored !== undefined) this.#pullBack(cart, stored);
      cart.highest = highestOf(cart);
      this.#working.set(customerId, cart);
    }
    return cart;
  }

  /**
   * Repairs stamps ahead of the clock. They are from before writers bounded stamps, or from a group whose clock was
   * ahead, and no edit could come after them. They get a stamp that is older than any command made now; the cart shows
   * the same items as before.
   */
  #pullBack(cart: WorkingCart, { clearedStamp, items }: Cart): void {
    const isAhead = (stamp: Stamp) => stampMs(stamp) > this.#atMs;
    if (clearedStamp !== null && isAhead(clearedStamp)) {
      this.#setCleared(cart, stampOf(this.#aheadMadeAfterMs, 0, senderOf(clearedStamp)));
    }
    for (const item of items.filter(({ stamp }) => isAhead(stamp))) {
      const isHidden = clearedStamp !== null && item.stamp <= clearedStamp;
      const cleared = cart.clearedStamp ?? undefined;
      const stamp = isHidden ? cleared : nextStamp(cleared, this.#aheadMadeAfterMs, senderOf(item.stamp));
      if (stamp !== undefined) this.#put(cart, { ...item, stamp });
    }
  }
}

/** The order that took the item although the client had asked earlier to remove it. */
function orderedBefore(item: Readonly<CartItem> | undefined, stamp: Stamp): Ordered | undefined {
  const ordered = item?.ordered ?? undefined;
  return ordered !== undefined && ordered.stamp > stamp ? ordered : undefined;
}

function lostTo({ orderId, stamp }: Ordered): Omit<CartEdited, 'applied'> {
  return { reason: 'ordered', stamp, orderId };
}

function highestOf({ clearedStamp, items }: WorkingCart): Stamp | undefined {
  let highest = highestStamp(clearedStamp);
  for (const { stamp, ordered } of items.values()) highest = highestStamp(highest, stamp, ordered?.stamp);
  return highest;
}

function isIn({ clearedStamp }: WorkingCart, { quantity, stamp }: Readonly<CartItem>): boolean {
  return quantity > 0 && (clearedStamp === null || stamp > clearedStamp);
}
