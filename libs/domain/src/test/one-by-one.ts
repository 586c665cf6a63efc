import { createHash } from 'node:crypto';
import { canonicalJson, type Command, type OrderLine, type Reply } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import type { Arrived } from '../effects.js';
import { BUCKETS } from './memory-group.js';

/*
 * The naive model that batches are compared with: one command after the other, nothing kept but what each did, every
 * question answered by going through all of it. Slow, and short enough to be seen to be right.
 */

type Done = { id: string; hash: string; status: string; result: Record<string, unknown>; command: Command };
type Product = { productId: string; name: string; priceCents: number; version: number; deleted: boolean };

export class OneByOne {
  readonly decided: Done[] = [];
  readonly deadLetters: { id: string; hash: string; reason: string; errorClass: string }[] = [];
  readonly movements: { productId: string; onHandDelta: number; reservedDelta: number; commandId: string }[] = [];
  readonly orders: { orderId: string; status: string; lines: unknown[]; totalCents: number }[] = [];
  private readonly products: Product[] = [];
  private readonly edits: { customerId: string; productId: string; quantity: number; stamp: string }[] = [];
  private readonly clears: { customerId: string; stamp: string }[] = [];

  constructor(
    private readonly at: string,
    private readonly ownedBuckets: ReadonlySet<number>,
  ) {}

  take(one: Arrived): Reply {
    return one.readable
      ? this.takeCommand(one.command)
      : this.park(one.commandId, one.bodyHash, one.reason, one.errorClass);
  }

  private takeCommand(command: Command): Reply {
    const { id, kind, body } = command;
    const hash = createHash('sha256').update(canonicalJson({ kind, body })).digest('hex');
    const bucket = bucketOf('customerId' in body ? body.customerId : body.productId, BUCKETS);
    if (!this.ownedBuckets.has(bucket))
      return this.park(id, hash, `this group does not own bucket ${bucket}`, 'not-owned');
    const before = this.decided.find((done) => done.id === id);
    if (before !== undefined) {
      return before.hash === hash ? told(before, true) : { type: 'key-conflict', commandId: id };
    }
    const parked = this.deadLetters.find((letter) => letter.id === id && letter.hash === hash);
    if (parked !== undefined) return { type: 'dead-letter', commandId: id, reason: parked.reason };
    const late = command.notAfter !== undefined && Date.parse(command.notAfter) < Date.parse(this.at);
    const elsewhere = late ? [] : this.linesOf(command).filter((line) => !this.owns(line.productId));
    if (elsewhere.length > 0) {
      const names = elsewhere.map((line) => line.productId).join(', ');
      return this.park(id, hash, `this group does not own the bucket of ${names}`, 'not-owned');
    }
    const [status, result] = late ? ['expired', {}] : this.decide(command);
    const done = { id, hash, status, result, command };
    this.decided.push(done);
    return told(done, false);
  }

  private decide(command: Command): [status: string, result: Record<string, unknown>] {
    const { kind, body, stamp } = command;
    switch (kind) {
      case 'order.place':
      case 'cart.checkout': {
        const lines = this.linesOf(command);
        if (lines.length === 0) return ['refused', { reason: 'cart-empty' }];
        return this.order(command.id, lines, () => {
          if (kind === 'cart.checkout') this.clears.push({ customerId: body.customerId, stamp });
        });
      }
      case 'cart.edit': {
        const { customerId, productId, quantity } = body;
        const edits = this.edits.filter((edit) => edit.customerId === customerId && edit.productId === productId);
        const applied = [...edits, ...this.clearsOf(customerId)].every((other) => other.stamp < stamp);
        if (applied) this.edits.push({ customerId, productId, quantity, stamp });
        return ['done', { applied }];
      }
      case 'cart.clear': {
        const applied = this.clearsOf(body.customerId).every((other) => other.stamp < stamp);
        if (applied) this.clears.push({ customerId: body.customerId, stamp });
        return ['done', { applied }];
      }
      case 'customer.register': {
        const { customerId } = body;
        const known = this.doneOf('customer.register').some(({ result }) => result['customerId'] === customerId);
        return known ? ['refused', { reason: 'customer-exists' }] : ['done', { customerId }];
      }
      case 'product.create': {
        const { productId, name, priceCents, stock } = body;
        if (this.product(productId)?.deleted === false) return ['refused', { reason: 'product-exists' }];
        if (stock > 0) this.movements.push({ productId, onHandDelta: stock, reservedDelta: 0, commandId: command.id });
        return this.change({ productId, name, priceCents, deleted: false });
      }
      case 'product.update': {
        const { productId, name, priceCents } = body;
        if (this.product(productId)?.deleted !== false) return ['refused', { reason: 'product-unknown' }];
        return this.change({ productId, name, priceCents, deleted: false });
      }
      case 'product.delete': {
        const product = this.product(body.productId);
        if (product?.deleted !== false) return ['refused', { reason: 'product-unknown' }];
        return this.change({ ...product, deleted: true });
      }
    }
  }

  private order(orderId: string, lines: OrderLine[], confirmed: () => void): [string, Record<string, unknown>] {
    const unknownProducts = lines.map((line) => line.productId).filter((id) => this.product(id)?.deleted !== false);
    const short = lines
      .filter((line) => !unknownProducts.includes(line.productId))
      .map(({ productId, quantity }) => ({ productId, asked: quantity, available: this.available(productId) }))
      .filter(({ asked, available }) => asked > available);
    if (short.length + unknownProducts.length > 0) {
      this.orders.push({ orderId, status: 'rejected', lines, totalCents: 0 });
      return ['refused', { orderId, status: 'rejected', short, unknownProducts }];
    }
    const priced = lines.map(({ productId, quantity }) => {
      const { name, priceCents } = this.product(productId) as Product;
      this.movements.push({ productId, onHandDelta: 0, reservedDelta: quantity, commandId: orderId });
      return { productId, name, quantity, unitPriceCents: priceCents };
    });
    const totalCents = priced.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
    this.orders.push({ orderId, status: 'confirmed', lines: priced, totalCents });
    confirmed();
    return ['done', { orderId, status: 'confirmed', lines: priced, totalCents }];
  }

  /** What an order asks for, or a checkout finds in the cart as of its stamp; of other kinds: nothing. */
  private linesOf({ kind, body, stamp }: Command): OrderLine[] {
    if (kind === 'order.place') return body.lines;
    if (kind !== 'cart.checkout') return [];
    return this.cart(body.customerId)
      .filter((item) => item.stamp <= stamp)
      .map(({ productId, quantity }) => ({ productId, quantity }));
  }

  /** What is in the cart now, by product id. */
  cart(customerId: string): { productId: string; quantity: number; stamp: string }[] {
    return this.edits
      .filter((edit) => edit.customerId === customerId)
      .filter((edit, _, edits) =>
        edits.every((other) => other.productId !== edit.productId || other.stamp <= edit.stamp),
      )
      .filter((edit) => edit.quantity > 0 && this.clearsOf(customerId).every((clear) => clear.stamp < edit.stamp))
      .map(({ productId, quantity, stamp }) => ({ productId, quantity, stamp }))
      .sort((a, b) => (a.productId < b.productId ? -1 : 1));
  }

  available(productId: string): number {
    const own = this.movements.filter((movement) => movement.productId === productId);
    return own.reduce((sum, { onHandDelta, reservedDelta }) => sum + onHandDelta - reservedDelta, 0);
  }

  /** As it is now. */
  product(productId: string): Product | undefined {
    return this.products.findLast((product) => product.productId === productId);
  }

  private change(product: Omit<Product, 'version'>): [string, Record<string, unknown>] {
    const { productId } = product;
    const version = this.products.filter((other) => other.productId === productId).length + 1;
    this.products.push({ ...product, version });
    return ['done', { productId, version }];
  }

  private clearsOf(customerId: string) {
    return this.clears.filter((clear) => clear.customerId === customerId);
  }

  private doneOf(kind: Command['kind']): Done[] {
    return this.decided.filter(({ status, command }) => status === 'done' && command.kind === kind);
  }

  private owns(productId: string): boolean {
    return this.ownedBuckets.has(bucketOf(productId, BUCKETS));
  }

  private park(id: string, hash: string, reason: string, errorClass: string): Reply {
    const before = this.deadLetters.find((letter) => letter.id === id && letter.hash === hash);
    if (before === undefined) this.deadLetters.push({ id, hash, reason, errorClass });
    return { type: 'dead-letter', commandId: id, reason: before?.reason ?? reason };
  }
}

function told({ id, status, result }: Done, repeated: boolean): Reply {
  return { type: 'outcome', commandId: id, status: status as 'done', repeated, result };
}
