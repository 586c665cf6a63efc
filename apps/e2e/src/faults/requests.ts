import { CENTRAL, MAX_ORDER_LINES } from '@eco/contracts';
import { commandIdFor, orderIdFor } from '@eco/routing';

/** One request as a client sends it, and the rows that it leaves when it is done. */
export interface Planned {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: unknown;
  readonly key: string;
  /** True: it is answered with what was decided. False: with 202, once it can't be lost. */
  readonly decided: boolean;
  readonly token: string;
  readonly rows: readonly string[];
  /** Of a command whose rows do not carry the token themselves. */
  readonly commandId?: string;
}

/** Of these most orders want one or two, so that many want the same. */
const PRODUCTS = 8;
/** One of so many requests is an order of as many lines as an order may have, each of another product. */
const LARGE_EVERY = 200;
/** Nobody is refused for want of stock: every order that is acknowledged is to be confirmed. */
const STOCK = 500_000_000;

/**
 * What clients ask for: mostly orders, a few of them large, some carts that are filled and ordered, some goods that come
 * in. Every order has a customer of its own, and every receipt a quantity of its own: by them a request's rows are found,
 * whatever ids they have got.
 */
export class Requests {
  #count = 0;

  constructor(
    private readonly run: string,
    private readonly below: (limit: number) => number,
  ) {}

  get products() {
    return Array.from({ length: MAX_ORDER_LINES }, (_, index) => ({
      productId: this.#product(index),
      name: `Product ${index}`,
      priceCents: 100 + index,
      stock: STOCK,
    }));
  }

  /** To be sent in turn. */
  next(): Planned[] {
    const number = (this.#count += 1);
    if (number % LARGE_EVERY === 0) return [this.#order(number, this.#lines(MAX_ORDER_LINES))];
    const dice = this.below(20);
    if (dice < 16) return [this.#order(number, this.#lines(1 + this.below(2)))];
    return dice < 18 ? this.#cart(number) : [this.#receipt(number)];
  }

  #lines(count: number): Line[] {
    const products = Math.max(count, PRODUCTS);
    const first = this.below(products);
    return Array.from({ length: count }, (_, index) => ({
      productId: this.#product((first + index) % products),
      quantity: 1 + this.below(3),
    }));
  }

  #order(number: number, lines: Line[]): Planned {
    const customerId = `${this.run}-${number}`;
    const key = `order-${number}`;
    return {
      ...{ method: 'POST', path: '/orders', body: { customerId, lines }, key, decided: false, token: customerId },
      rows: rowsOfOrder('order.place', lines),
      commandId: orderIdFor({ origin: CENTRAL, customerId, idempotencyKey: key }),
    };
  }

  #cart(number: number): Planned[] {
    const customerId = `${this.run}-${number}`;
    const line = { productId: this.#product(this.below(PRODUCTS)), quantity: 1 + this.below(5) };
    const key = `cart-${number}`;
    const commandId = commandIdFor({
      ...{ origin: CENTRAL, kind: 'cart.edit', key: customerId, idempotencyKey: key },
    });
    const edit: Planned = {
      ...{ method: 'PUT', path: `/carts/${customerId}/items/${line.productId}`, body: { quantity: line.quantity } },
      ...{ key, decided: false, token: `${customerId} cart`, rows: [outcomeRow('cart.edit', 'done')], commandId },
    };
    const checkout: Planned = {
      ...{ method: 'POST', path: `/carts/${customerId}/checkout`, body: undefined, key, decided: false },
      ...{ token: customerId, rows: rowsOfOrder('cart.checkout', [line]) },
      commandId: orderIdFor({ origin: CENTRAL, customerId, idempotencyKey: key }),
    };
    return [edit, checkout];
  }

  #receipt(number: number): Planned {
    const productId = this.#product(this.below(PRODUCTS));
    const key = `receipt-${number}`;
    const request = { origin: CENTRAL, kind: 'stock.receive', key: productId, idempotencyKey: key };
    return {
      ...{ method: 'POST', path: `/inventory/${productId}/receipts`, body: { quantity: number }, key, decided: true },
      token: receiptToken(number),
      rows: [outcomeRow('stock.receive', 'done'), movementRow('received', productId, number)],
      commandId: commandIdFor(request),
    };
  }

  #product(index: number): string {
    return `${this.run}-product-${index}`;
  }
}

export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** A receipt is known by its quantity. */
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
