import type { KeyObject } from 'node:crypto';
import { MAX_ORDER_LINES } from '@eco/contracts';
import { commandIdFor, orderIdFor } from '@eco/routing';

/** A request of a client, and the rows that it must produce. */
export interface Planned {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: unknown;
  readonly key: string;
  /** True: the answer contains the decision. False: the answer is a 202, sent once the command can't be lost. */
  readonly decided: boolean;
  /** Accepted like the others, but the client waits for the decision, too. */
  readonly waits?: boolean;
  /** Sent to a branch instead of the head office. */
  readonly atBranch?: boolean;
  readonly token: string;
  readonly rows: readonly string[];
  /** Id of the command, if its rows do not contain the token. */
  readonly commandId?: string;
}

/** Number of products. Most orders want one or two of them, so that they compete. */
const PRODUCTS = 8;
/** One of this many requests is an order with as many lines as are allowed, each for another product. */
const LARGE_EVERY = 200;
/** Reservations outlast a run, so none expires. */
const HOLD_SECONDS = 86_400;
/** One of this many orders is sent by a client that waits for the decision. */
const WAITS_EVERY = 5;
/** One of this many orders is sent to a branch, if there is one. */
const AT_BRANCH_EVERY = 6;
/** Units of each product. There are enough for all orders, so every acknowledged order must be confirmed. */
const STOCK = 500_000_000;

/**
 * The clients' requests: mostly orders, a few of them large, some carts that are filled and ordered, some receipts and
 * reservations. Every order has its own customer and every receipt its own quantity. They identify a request's rows, whatever ids the
 * rows got.
 */
export class Requests {
  #count = 0;
  readonly #run: string;
  readonly #below: (limit: number) => number;
  readonly #idKeyOf: (path: string) => KeyObject;

  /** `idKeyOf`: the id key of the client that sends requests to a path. */
  constructor(run: string, below: (limit: number) => number, idKeyOf: (path: string) => KeyObject) {
    this.#run = run;
    this.#below = below;
    this.#idKeyOf = idKeyOf;
  }

  get products() {
    return Array.from({ length: MAX_ORDER_LINES }, (_, index) => ({
      productId: this.#product(index),
      name: `Product ${index}`,
      priceCents: 100 + index,
      stock: STOCK,
    }));
  }

  /** The next requests, which are sent one after the other. */
  next(): Planned[] {
    const number = (this.#count += 1);
    if (number % LARGE_EVERY === 0) return [this.#order(number, this.#lines(MAX_ORDER_LINES))];
    const dice = this.#below(20);
    if (dice < 16) return [this.#order(number, this.#lines(1 + this.#below(2)))];
    if (dice < 18) return this.#cart(number);
    return [dice === 18 ? this.#receipt(number) : this.#reservation(number)];
  }

  #lines(count: number): Line[] {
    const products = Math.max(count, PRODUCTS);
    const first = this.#below(products);
    return Array.from({ length: count }, (_, index) => ({
      productId: this.#product((first + index) % products),
      quantity: 1 + this.#below(3),
    }));
  }

  #order(number: number, lines: Line[]): Planned {
    const customerId = `${this.#run}-${number}`;
    const key = `order-${number}`;
    const path = '/orders';
    return {
      ...{ method: 'POST', path, body: { customerId, lines }, key, decided: false, token: customerId },
      rows: rowsOfOrder('order.place', lines),
      commandId: orderIdFor({ idKey: this.#idKeyOf(path), customerId, idempotencyKey: key }),
      waits: number % WAITS_EVERY === 0,
      atBranch: number % AT_BRANCH_EVERY === 1,
    };
  }

  #cart(number: number): Planned[] {
    const customerId = `${this.#run}-${number}`;
    const line = { productId: this.#product(this.#below(PRODUCTS)), quantity: 1 + this.#below(5) };
    const key = `cart-${number}`;
    const cart = `/carts/${customerId}`;
    const idKey = this.#idKeyOf(cart);
    const commandId = commandIdFor({ idKey, kind: 'cart.edit', key: customerId, idempotencyKey: key });
    const edit: Planned = {
      ...{ method: 'PUT', path: `${cart}/items/${line.productId}`, body: { quantity: line.quantity } },
      ...{ key, decided: false, token: `${customerId} cart`, rows: [outcomeRow('cart.edit', 'done')], commandId },
    };
    const checkout: Planned = {
      ...{ method: 'POST', path: `${cart}/checkout`, body: undefined, key, decided: false },
      ...{ token: customerId, rows: rowsOfOrder('cart.checkout', [line]) },
      commandId: orderIdFor({ idKey, customerId, idempotencyKey: key }),
    };
    return [edit, checkout];
  }

  #receipt(number: number): Planned {
    const productId = this.#product(this.#below(PRODUCTS));
    const key = `receipt-${number}`;
    const path = `/inventory/${productId}/receipts`;
    const idKey = this.#idKeyOf(path);
    return {
      ...{ method: 'POST', path, body: { quantity: number }, key, decided: true },
      token: receiptToken(number),
      rows: [outcomeRow('stock.receive', 'done'), movementRow('received', productId, number)],
      commandId: commandIdFor({ idKey, kind: 'stock.receive', key: productId, idempotencyKey: key }),
    };
  }

  #reservation(number: number): Planned {
    const customerId = `${this.#run}-${number}`;
    const line = { productId: this.#product(this.#below(PRODUCTS)), quantity: 1 + this.#below(3) };
    const key = `reservation-${number}`;
    const path = '/reservations';
    const idKey = this.#idKeyOf(path);
    return {
      ...{ method: 'POST', path, body: { customerId, lines: [line], ttlSeconds: HOLD_SECONDS }, key, decided: true },
      token: `${customerId} reservation`,
      rows: [outcomeRow('reservation.create', 'done'), movementRow('reserved', line.productId, line.quantity)],
      commandId: commandIdFor({ idKey, kind: 'reservation.create', key: customerId, idempotencyKey: key }),
    };
  }

  #product(index: number): string {
    return `${this.#run}-product-${index}`;
  }
}

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** A receipt is identified by its quantity. */
export const receiptToken = (quantity: number) => `receipt of ${quantity}`;
export const outcomeRow = (kind: string, status: string) => `outcome ${kind} ${status}`;
export const movementRow = (movement: string, productId: string, quantity: number) =>
  `${movement} ${quantity} of ${productId}`;
export const orderRow = (status: string, lines: readonly Line[]) =>
  `order ${status}: ${lines
    .map(({ productId, quantity }) => `${quantity} of ${productId}`)
    .sort()
    .join(', ')}`;

export function rowsOfOrder(kind: string, lines: readonly Line[]): string[] {
  return [
    orderRow('confirmed', lines),
    outcomeRow(kind, 'done'),
    ...lines.map(({ productId, quantity }) => movementRow('reserved', productId, quantity)),
  ];
}
