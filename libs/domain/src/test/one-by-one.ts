import { createHash } from 'node:crypto';
import {
  canonicalJson,
  keyOf,
  OPEN_RESERVATIONS_MAX,
  UNIT_SECONDS_MAX,
  underId,
  type Command,
  type CommandOf,
  type EntryKind,
  type Replay,
  type OrderLine,
  type Reply,
} from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { originOf, whyForbidden } from '../authority.js';
import type { Arrived } from '../effects.js';
import { BUCKETS, LOCATIONS } from './memory-group.js';
import { NaiveLedger } from './naive-ledger.js';

/*
 * The naive model that batches are compared with: one command after the other. It keeps only the effect of each
 * command, and answers every question by going through all effects. It is slow, but short enough to be obviously
 * correct.
 */

type Done = { id: string; hash: string; status: string; result: Record<string, unknown>; command: Command };
interface Product {
  productId: string;
  name: string;
  priceCents: number;
  taxBasisPoints: number | null;
  version: number;
  deleted: boolean;
}

interface Order {
  orderId: string;
  customerId: string;
  branchId: string | null;
  status: string;
  lines: OrderLine[];
  totalCents: number;
  returned: OrderLine[];
}
interface Reservation {
  reservationId: string;
  customerId: string;
  branchId: string | null;
  createdAt: string;
  status: string;
  lines: OrderLine[];
  totalCents: number;
  expiresAt: string;
  orderId?: string;
}
interface Sale {
  saleId: string;
  branchId: string;
  lines: OrderLine[];
  totalCents: number;
  excess: OrderLine[];
  isLate: boolean;
  isVoid: boolean;
}
type Transfer = { transferId: string; productId: string; from: string; to: string; quantity: number; status: string };
interface Letter {
  id: string;
  hash: string;
  reason: string;
  errorClass: string;
  state: string;
  tries: number;
  lastNumber: number;
  isElsewhere: boolean;
  sender: string | null;
}
interface Edit {
  customerId: string;
  productId: string;
  quantity: number;
  stamp: string;
  ordered?: { orderId: string; stamp: string };
}
type Decided = [status: string, result: Record<string, unknown>];

export class OneByOne {
  readonly decided: Done[] = [];
  readonly deadLetters: Letter[] = [];
  readonly actions: { id: string; hash: string; number: number; action: string; result: string }[] = [];
  readonly #ledger = new NaiveLedger();
  readonly movements = this.#ledger.movements;
  readonly orders: Order[] = [];
  readonly reservations: Reservation[] = [];
  readonly transfers: Transfer[] = [];
  readonly tombstones: { id: string; reason: string; author: string }[] = [];
  readonly entries: { branchId: string; incarnation: number; sequence: number; id: string }[] = [];
  readonly frozen = new Map<string, string>();
  readonly sales: Sale[] = [];
  readonly returns: { returnId: string; branchId: string }[] = [];
  readonly shifts: { shiftId: string; branchId: string }[] = [];
  readonly #products: Product[] = [];
  readonly #edits: Edit[] = [];
  readonly #clears: { customerId: string; stamp: string }[] = [];
  #at: string;
  readonly #ownedBuckets: ReadonlySet<number>;

  constructor(at: string, ownedBuckets: ReadonlySet<number>) {
    this.#at = at;
    this.#ownedBuckets = ownedBuckets;
  }

  /** Begins a batch: due reservations hold nothing any more. */
  tick(at: string): void {
    this.#at = at;
    for (const reservation of this.reservations) {
      if (reservation.status === 'held' && Date.parse(reservation.expiresAt) <= Date.parse(at)) {
        this.#release(reservation, 'expired', 'expiry');
      }
    }
  }

  take(one: Arrived): Reply {
    const { id, replay } = one.readable ? one.command : { id: one.commandId, replay: one.replay };
    const mayReplay = one.sender === 'dead-letter-admin';
    const retried = mayReplay ? this.#letterToTry(id, replay) : undefined;
    const reply = one.readable ? this.#judge(one, retried) : this.#takeJunk(one, retried);
    const letter = mayReplay ? this.#letterToTry(id, replay) : undefined;
    if (letter === undefined || replay === undefined) return reply;
    letter.lastNumber = replay.number;
    if (reply.type === 'outcome') letter.state = 'replayed';
    const result = reply.type === 'outcome' ? reply.status : reply.type;
    this.actions.push({ id, hash: letter.hash, number: replay.number, action: 'replay', result });
    return reply;
  }

  #letterToTry(id: string, replay: Replay | undefined): Letter | undefined {
    const letter = this.deadLetters.find((each) => each.id === id && each.hash === replay?.bodyHash);
    if (letter?.state !== 'open' || letter.lastNumber >= (replay?.number ?? 0)) return undefined;
    const stated = this.#ownedBuckets.size < BUCKETS ? replay?.sender : undefined;
    return stated === undefined || stated === letter.sender ? letter : undefined;
  }

  #takeJunk(
    { commandId, bodyHash, reason, errorClass, sender }: Arrived & { readable: false },
    retried?: Letter,
  ): Reply {
    if (originOf(sender, undefined).sender === undefined) {
      const why = sender === null ? 'the message names no broker user' : `the broker user ${sender} sends no commands`;
      return this.#forbid(commandId, bodyHash, why, sender);
    }
    const before = this.decided.find(({ id, hash }) => id === commandId && hash === bodyHash);
    return before === undefined
      ? this.#deadLetter(commandId, bodyHash, reason, errorClass, retried?.sender ?? sender, retried)
      : outcomeReply(before, true);
  }

  /** The table of the senders decides; authority.spec.ts tests it. A replay is judged by its first sender. */
  #judge({ command, sender }: Arrived & { readable: true }, retried: Letter | undefined): Reply {
    const { id, replay, actor } = command;
    if (replay !== undefined && sender !== 'dead-letter-admin') {
      const who = sender === null ? 'a message without a broker user' : `the broker user ${sender}`;
      return this.#forbid(id, hashOf(command), `${who} may not replay a dead letter`, sender);
    }
    const letter = this.deadLetters.find((each) => each.id === id && each.hash === replay?.bodyHash);
    const stated = this.#ownedBuckets.size < BUCKETS ? replay?.sender : undefined;
    const known = stated ?? letter?.sender;
    const first = replay === undefined ? sender : (known ?? null);
    const why = whyForbidden(command, originOf(first, actor), Date.parse(this.#at));
    if (why !== undefined) return this.#forbid(id, hashOf(command), why, first, retried);
    return this.#takeCommand(command, first as string, retried);
  }

  #takeCommand(command: Command, sender: string, retried: Letter | undefined): Reply {
    const { id, kind, body } = command;
    const hash = hashOf(command);
    const [, branch = command.actor?.branchId ?? undefined] = /^branch\.(.+)$/.exec(sender) ?? [];
    const bucket = bucketOf(keyOf(command), BUCKETS);
    // A discard is decided where its dead letter is, whichever group owns the bucket.
    if (kind !== 'dead-letter.discard' && !this.#ownedBuckets.has(bucket))
      return this.#deadLetter(id, hash, `this group does not own bucket ${bucket}`, 'not-owned', sender, retried, true);
    const before = this.decided.find((done) => done.id === id);
    if (before !== undefined) {
      if (before.hash === hash) return outcomeReply(before, true);
      const reason = `another body was decided first under this id: ${before.status}`;
      if (command.notAfter === undefined || retried !== undefined)
        this.#deadLetter(id, hash, reason, 'key-conflict', sender, retried);
      return { type: 'key-conflict', commandId: id };
    }
    const known = this.deadLetters.find((letter) => letter.id === id && letter.hash === hash);
    if (known?.state === 'open' && known !== retried && !['forbidden', 'key-conflict'].includes(known.errorClass))
      return { type: 'dead-letter', commandId: id, reason: known.reason };
    const forms = (command.formerIds ?? []).map((each) => underId(command, each));
    const earlier = forms.flatMap((form) =>
      this.decided.filter((done) => done.id === form.id).map((done) => ({ form, done })),
    )[0];
    if (earlier !== undefined) {
      const { form, done } = earlier;
      if (hashOf(form) !== done.hash) {
        const reason = `another body was decided first under this id: ${done.status}`;
        if (command.notAfter === undefined || retried !== undefined)
          this.#deadLetter(id, hash, reason, 'key-conflict', sender, retried);
        return { type: 'key-conflict', commandId: id };
      }
      this.#keepUnder([command, ...forms], done);
      return outcomeReply({ ...done, id }, true);
    }
    const failed = forms.flatMap((form) =>
      this.deadLetters.filter(
        ({ id, hash, state, errorClass }) =>
          id === form.id && hash === hashOf(form) && state === 'open' && errorClass !== 'forbidden',
      ),
    )[0];
    if (failed !== undefined) return this.#deadLetter(id, hash, failed.reason, failed.errorClass, sender, retried);
    const late = command.notAfter !== undefined && Date.parse(command.notAfter) < Date.parse(this.#at);
    const owner = 'branchId' in body ? (body.branchId ?? 'central') : (branch ?? 'central');
    const ids = [command, ...forms].map((each) => each.id);
    const tombstone = this.tombstones.find((each) => ids.includes(each.id) && ['central', owner].includes(each.author));
    const its = late || tombstone || branch === undefined ? branch : (this.#ownerOf(command) ?? branch);
    if (its !== branch) {
      return this.#forbid(id, hash, `what it acts on does not belong to branch ${branch}`, sender, retried);
    }
    const elsewhere = late || tombstone ? [] : this.#movedBy(command).filter((line) => !this.#owns(line.productId));
    if (elsewhere.length > 0) {
      const names = elsewhere.map((line) => line.productId).join(', ');
      return this.#deadLetter(id, hash, `this group does not own the bucket of ${names}`, 'not-owned', sender, retried);
    }
    const [status, result]: Decided = late
      ? ['expired', {}]
      : tombstone
        ? ['refused', { reason: tombstone.reason }]
        : this.#decide(command, branch ?? 'central');
    const done = { id, hash, status, result, command };
    this.decided.push(done);
    this.#keepUnder(forms, done);
    return outcomeReply(done, false);
  }

  /** Every id of a request has its outcome. */
  #keepUnder(forms: readonly Command[], { status, result }: Done): void {
    for (const command of forms) {
      if (this.decided.some(({ id }) => id === command.id)) continue;
      this.decided.push({ id: command.id, hash: hashOf(command), status, result, command });
    }
  }

  /** Owner of the stored object: a branch or `central`. */
  #ownerOf({ kind, body }: Command): string | undefined {
    switch (kind) {
      case 'order.cancel':
      case 'order.fulfil':
      case 'order.return': {
        const order = this.orderOf(body.orderId, body.customerId);
        return order && (order.branchId ?? 'central');
      }
      case 'reservation.confirm':
      case 'reservation.release': {
        const reservation = this.#reservationOf(body.reservationId, body.customerId);
        return reservation && (reservation.branchId ?? 'central');
      }
      case 'transfer.receive':
        return this.transfers.find((each) => each.transferId === body.transferId && each.productId === body.productId)
          ?.to;
      default:
        return undefined;
    }
  }

  #decide(command: Command, author: string): Decided {
    const { kind, body, stamp } = command;
    switch (kind) {
      case 'order.place':
      case 'cart.checkout': {
        const lines = this.#linesOf(command);
        if (lines.length === 0) return ['refused', { reason: 'cart-empty' }];
        return this.#order(command.id, body.customerId, body.branchId, lines, () => {
          if (kind === 'cart.checkout') this.#takeOut(body.customerId, lines, { orderId: command.id, stamp });
        });
      }
      case 'cart.edit': {
        const { customerId, productId, quantity } = body;
        const clear = this.#clearsOf(customerId).find((each) => each.stamp >= stamp);
        if (clear !== undefined) return this.#lost('cleared', highest(this.#clearsOf(customerId)).stamp);
        const edits = this.#edits.filter((edit) => edit.customerId === customerId && edit.productId === productId);
        const last = edits.length === 0 ? undefined : highest(edits);
        if (last !== undefined && last.stamp >= stamp) {
          const { ordered } = last;
          return ordered ? this.#lost('ordered', last.stamp, ordered.orderId) : this.#lost('superseded', last.stamp);
        }
        this.#edits.push({ customerId, productId, quantity, stamp });
        if (quantity > 0 || last?.ordered === undefined || last.ordered.stamp <= stamp) {
          return ['done', { applied: true }];
        }
        Object.assign(this.#edits.at(-1) as Edit, { ordered: last.ordered });
        return this.#lost('ordered', last.ordered.stamp, last.ordered.orderId);
      }
      case 'cart.clear': {
        const { customerId } = body;
        const later = this.#clearsOf(customerId).filter((other) => other.stamp >= stamp);
        if (later.length > 0) return this.#lost('cleared', highest(later).stamp);
        this.#clears.push({ customerId, stamp });
        const overtaken = this.#latest(customerId).find(
          (edit) => edit.stamp <= stamp && edit.ordered !== undefined && edit.ordered.stamp > stamp,
        );
        const { orderId, stamp: orderedStamp } = overtaken?.ordered ?? {};
        return ['done', { applied: true, ...(orderId && { reason: 'ordered', stamp: orderedStamp, orderId }) }];
      }
      case 'customer.register': {
        const { customerId } = body;
        const isIn = ({ result }: Done) => result['customerId'] === customerId;
        if (this.#doneOf('customer.erase').some(isIn)) return ['refused', { reason: 'customer-erased' }];
        return this.#doneOf('customer.register').some(isIn)
          ? ['refused', { reason: 'customer-exists' }]
          : ['done', { customerId }];
      }
      case 'customer.update':
        return this.customer(body.customerId) === undefined
          ? ['refused', { reason: 'customer-unknown' }]
          : ['done', { customerId: body.customerId }];
      case 'customer.erase':
        return ['done', { customerId: body.customerId }];
      case 'dead-letter.discard': {
        const { commandId, bodyHash } = body;
        const letter = this.deadLetters.find(({ id, hash }) => id === commandId && hash === bodyHash);
        if (letter?.state !== 'open') return ['done', { discarded: false }];
        letter.state = 'discarded';
        letter.lastNumber += 1;
        const { lastNumber: number } = letter;
        this.actions.push({ id: commandId, hash: bodyHash, number, action: 'discard', result: 'discarded' });
        if (
          !letter.isElsewhere &&
          letter.errorClass !== 'forbidden' &&
          !this.decided.some(({ id }) => id === commandId)
        ) {
          this.decided.push({ id: commandId, hash: bodyHash, status: 'discarded', result: {}, command });
        }
        return ['done', { discarded: true }];
      }
      case 'product.create': {
        const { productId, name, priceCents, taxBasisPoints = null, stock } = body;
        if (this.product(productId)?.deleted === false) return ['refused', { reason: 'product-exists' }];
        if (stock > 0) this.#ledger.move(productId, 'central', stock, 0, command.id);
        const { onHand, reserved } = this.#ledger.level(productId, 'central');
        const [status, result] = this.#change({ productId, name, priceCents, taxBasisPoints, deleted: false });
        return [status, { ...result, level: { onHand, reserved, available: onHand - reserved } }];
      }
      case 'product.update': {
        const { productId } = body;
        const product = this.product(productId);
        if (product?.deleted !== false) return ['refused', { reason: 'product-unknown' }];
        const { version } = product;
        if (body.ifVersions?.includes(version) === false) return ['refused', { reason: 'product-changed', version }];
        const { name = product.name, priceCents = product.priceCents, taxBasisPoints = product.taxBasisPoints } = body;
        return this.#change({ productId, name, priceCents, taxBasisPoints, deleted: false });
      }
      case 'product.delete': {
        const product = this.product(body.productId);
        if (product?.deleted !== false) return ['refused', { reason: 'product-unknown' }];
        const { version } = product;
        if (body.ifVersions?.includes(version) === false) return ['refused', { reason: 'product-changed', version }];
        return this.#change({ ...product, deleted: true });
      }
      case 'reservation.create': {
        const { reservationId, customerId, branchId, lines, ttlSeconds } = body;
        const open = this.reservations.filter((each) => each.customerId === customerId && each.status === 'held');
        if (open.length >= OPEN_RESERVATIONS_MAX) {
          return ['refused', { reason: 'reservations-too-many', openMax: OPEN_RESERVATIONS_MAX }];
        }
        let unitSecondsOpen = 0;
        for (const each of open) {
          const seconds = (Date.parse(each.expiresAt) - Date.parse(each.createdAt)) / 1000;
          for (const { quantity } of each.lines) unitSecondsOpen += quantity * (seconds < 600 ? 600 : seconds);
        }
        let unitSecondsAsked = 0;
        for (const { quantity } of lines) unitSecondsAsked += quantity * (ttlSeconds < 600 ? 600 : ttlSeconds);
        if (unitSecondsOpen + unitSecondsAsked > UNIT_SECONDS_MAX) {
          const asked = { unitSecondsMax: UNIT_SECONDS_MAX, unitSecondsOpen, unitSecondsAsked };
          return ['refused', { reason: 'reservation-too-large', ...asked }];
        }
        const { short, unknownProducts, priced, totalCents } = this.#price(lines);
        if (short.length > 0) return ['refused', { reason: 'stock-short', short, unknownProducts }];
        if (unknownProducts.length > 0) return ['refused', { reason: 'product-unknown', unknownProducts }];
        for (const { productId, quantity } of lines) this.#ledger.move(productId, 'central', 0, quantity, command.id);
        const expiresAt = new Date(Date.parse(this.#at) + ttlSeconds * 1000).toISOString();
        const held = { reservationId, status: 'held', lines: priced, totalCents, expiresAt };
        this.reservations.push({ ...held, customerId, branchId, createdAt: this.#at });
        return ['done', held];
      }
      case 'reservation.confirm': {
        const { orderId, reservationId, customerId, branchId } = body;
        const reservation = this.#reservationOf(reservationId, customerId);
        if (reservation === undefined) return ['refused', { reason: 'reservation-unknown' }];
        if (reservation.status !== 'held') return over(reservation);
        Object.assign(reservation, { status: 'confirmed', orderId });
        const { lines, totalCents } = reservation;
        this.orders.push({ orderId, customerId, branchId, status: 'confirmed', lines, totalCents, returned: [] });
        return ['done', { orderId, status: 'confirmed', lines, totalCents }];
      }
      case 'reservation.release':
      case 'reservation.expire': {
        const { reservationId, customerId } = body;
        const reservation = this.#reservationOf(reservationId, customerId);
        if (reservation === undefined && kind === 'reservation.release' && this.#mayStillCome(reservationId)) {
          this.#bury(reservationId, 'reservation-released', author);
          return ['done', { reservationId, status: 'released', lines: [] }];
        }
        if (reservation === undefined) return ['refused', { reason: 'reservation-unknown' }];
        if (reservation.status !== 'held') return over(reservation);
        // Due reservations expired when the batch began.
        if (kind === 'reservation.expire') return ['refused', { reason: 'reservation-not-due' }];
        this.#release(reservation, 'released', command.id);
        return ['done', { reservationId, status: 'released', lines: plain(reservation.lines) }];
      }
      case 'order.cancel':
      case 'order.fulfil': {
        const { orderId, customerId } = body;
        const order = this.orderOf(orderId, customerId);
        if (order === undefined && kind === 'order.cancel' && this.#mayStillCome(orderId)) {
          this.#bury(orderId, 'order-cancelled', author);
          return ['done', { orderId, status: 'cancelled', lines: [] }];
        }
        if (order === undefined) return ['refused', { reason: 'order-unknown' }];
        if (order.status !== 'confirmed') {
          return ['refused', { reason: 'order-not-open', orderStatus: order.status }];
        }
        order.status = kind === 'order.cancel' ? 'cancelled' : 'fulfilled';
        for (const { productId, quantity } of order.lines) {
          this.#ledger.move(productId, 'central', kind === 'order.cancel' ? 0 : -quantity, -quantity, command.id);
        }
        return ['done', { orderId, status: order.status, lines: plain(order.lines) }];
      }
      case 'order.return': {
        const { orderId, customerId, location, lines } = body;
        const order = this.orderOf(orderId, customerId);
        if (order === undefined) return ['refused', { reason: 'order-unknown' }];
        if (!LOCATIONS.has(location)) {
          return ['refused', { reason: 'location-unknown', unknownLocations: [location] }];
        }
        if (order.status !== 'fulfilled') {
          return ['refused', { reason: 'order-not-fulfilled', orderStatus: order.status }];
        }
        const units = (of: OrderLine[], productId: string) =>
          of.filter((line) => line.productId === productId).reduce((sum, line) => sum + line.quantity, 0);
        const excess = lines
          .map(({ productId, quantity: asked }) => {
            const returnable = units(order.lines, productId) - units(order.returned, productId);
            return { productId, asked, returnable };
          })
          .filter(({ asked, returnable }) => asked > returnable);
        if (excess.length > 0) return ['refused', { reason: 'return-exceeds-order', excess }];
        for (const { productId, quantity } of lines) this.#ledger.move(productId, location, quantity, 0, command.id);
        const productIds = [...new Set([...order.returned, ...lines].map(({ productId }) => productId))];
        order.returned = productIds.map((productId) => ({
          productId,
          quantity: units(order.returned, productId) + units(lines, productId),
        }));
        return ['done', { orderId, location, lines, returned: order.returned }];
      }
      case 'stock.receive':
      case 'stock.adjust':
      case 'stock.count': {
        const { productId, location } = body;
        const { onHand } = this.#ledger.level(productId, location);
        const unknown = this.#unknown(productId, [location]);
        if (unknown !== undefined) return unknown;
        const wanted = kind === 'stock.adjust' ? body.delta : kind === 'stock.count' ? body.counted - body.expected : 1;
        if (wanted < 0 && this.#hasReported(location)) return ['refused', { reason: 'held-by-branch' }];
        if (kind === 'stock.count' && body.expected !== onHand) {
          return ['refused', { reason: 'stock-count-stale', expected: body.expected, onHand }];
        }
        const delta =
          kind === 'stock.receive' ? body.quantity : kind === 'stock.adjust' ? body.delta : body.counted - onHand;
        const short = shortOf(this.#ledger, productId, location, delta);
        if (short !== undefined) return short;
        const moved = this.#ledger.moved(productId, location, delta, command.id);
        return ['done', kind === 'stock.adjust' ? { ...moved, reason: body.reason } : moved];
      }
      case 'transfer.send': {
        const { transferId, productId, from, to, quantity } = body;
        const unknown = this.#unknown(productId, [from, to]);
        if (unknown === undefined && this.#hasReported(from)) return ['refused', { reason: 'held-by-branch' }];
        const refusal = unknown ?? shortOf(this.#ledger, productId, from, -quantity);
        if (refusal !== undefined) return refusal;
        this.transfers.push({ transferId, productId, from, to, quantity, status: 'in-transit' });
        const moved = this.#ledger.moved(productId, from, -quantity, command.id);
        return ['done', { transferId, status: 'in-transit', from, to, quantity, ...moved }];
      }
      case 'transfer.receive': {
        const { transferId, productId } = body;
        const transfer = this.transfers.find((each) => each.transferId === transferId && each.productId === productId);
        if (transfer === undefined) return ['refused', { reason: 'transfer-unknown' }];
        if (transfer.status !== 'in-transit') return ['refused', { reason: `transfer-${transfer.status}` }];
        transfer.status = 'arrived';
        return ['done', { ...transfer, ...this.#ledger.moved(productId, transfer.to, transfer.quantity, command.id) }];
      }
      case 'transfer.write-off': {
        const { transferId, productId, reason } = body;
        const transfer = this.transfers.find((each) => each.transferId === transferId && each.productId === productId);
        if (transfer === undefined) return ['refused', { reason: 'transfer-unknown' }];
        if (transfer.status !== 'in-transit') return ['refused', { reason: `transfer-${transfer.status}` }];
        transfer.status = 'written-off';
        this.#ledger.moved(productId, transfer.to, transfer.quantity, command.id);
        this.#ledger.moved(productId, transfer.to, -transfer.quantity, command.id);
        return ['done', { ...transfer, reason }];
      }
      case 'sale.record': {
        const { saleId, branchId, shiftId, lines, totalCents } = body;
        this.#note(command);
        const excess: OrderLine[] = [];
        for (const { productId, quantity } of this.#merged(lines)) {
          const level = Math.min(quantity, this.#ledger.available(productId, branchId));
          const lost = Math.min(quantity - level, this.#ledger.available(productId, `${branchId}/written-off`));
          const open = quantity - level - lost;
          this.#ledger.moved(productId, branchId, -level, command.id);
          this.#ledger.moved(productId, `${branchId}/written-off`, -lost, command.id);
          this.#ledger.moved(productId, `${branchId}/discrepancy`, open, command.id);
          if (open > 0) excess.push({ productId, quantity: open });
        }
        const isLate = this.shifts.some((shift) => shift.shiftId === shiftId);
        this.sales.push({ saleId, branchId, lines, totalCents, excess, isLate, isVoid: false });
        return ['done', { saleId, branchId, excess, isLate }];
      }
      case 'sale.void': {
        const { saleId, branchId } = body;
        this.#note(command);
        const sale = this.sales.find((each) => each.saleId === saleId && each.branchId === branchId);
        if (sale === undefined) return ['refused', { reason: 'sale-unknown' }];
        if (sale.isVoid) return ['refused', { reason: 'sale-voided' }];
        sale.isVoid = true;
        for (const { productId, quantity } of this.#merged(sale.lines)) {
          const open = Math.min(quantity, this.#ledger.available(productId, `${branchId}/discrepancy`));
          this.#ledger.moved(productId, branchId, quantity - open, command.id);
          this.#ledger.moved(productId, `${branchId}/discrepancy`, -open, command.id);
        }
        return ['done', { saleId, branchId }];
      }
      case 'sale.return': {
        const { returnId, branchId, saleId, lines } = body;
        this.#note(command);
        for (const { productId, quantity } of this.#merged(lines)) {
          this.#ledger.moved(productId, saleId === null ? `${branchId}/quarantine` : branchId, quantity, command.id);
        }
        this.returns.push({ returnId, branchId });
        return ['done', { returnId, branchId }];
      }
      case 'shift.close': {
        const { shiftId, branchId } = body;
        this.#note(command);
        this.shifts.push({ shiftId, branchId });
        return ['done', { shiftId, branchId }];
      }
      case 'quota.fetch': {
        const { transferId, branchId, productId } = body;
        const unknown = this.#unknownUnits(productId, branchId);
        if (unknown !== undefined) return unknown;
        if (this.product(productId)?.deleted === true) return ['refused', { reason: 'product-unknown' }];
        if (!this.#hasReported(branchId)) return ['refused', { reason: 'branch-silent' }];
        if (this.frozen.has(branchId)) return ['refused', { reason: 'branch-frozen' }];
        const available = this.#ledger.available(productId);
        const spared = available <= 10 ? available : Math.max(10, Math.ceil(available / 2));
        const quantity = Math.min(body.quantity, spared);
        if (quantity === 0) return ['refused', { reason: 'nothing-to-grant' }];
        this.transfers.push({ transferId, productId, from: 'central', to: branchId, quantity, status: 'in-transit' });
        this.#ledger.moved(productId, 'central', -quantity, command.id);
        return ['done', { transferId, branchId, productId, quantity }];
      }
      case 'quota.accept': {
        const { transferId, branchId, productId } = body;
        this.#note(command);
        const transfer = this.transfers.find((each) => each.transferId === transferId && each.productId === productId);
        if (transfer?.to !== branchId) return ['refused', { reason: 'transfer-unknown' }];
        if (transfer.status !== 'in-transit') return ['refused', { reason: `transfer-${transfer.status}` }];
        transfer.status = 'arrived';
        this.#ledger.moved(productId, branchId, transfer.quantity, command.id);
        return ['done', { transferId, branchId, productId, quantity: transfer.quantity }];
      }
      case 'quota.give-back': {
        const { branchId, productId, quantity } = body;
        this.#note(command);
        const { level, lost } = this.#atBranch(productId, branchId);
        if (level + lost < quantity) {
          return [
            'refused',
            { reason: 'stock-short', short: [{ productId, asked: quantity, available: level + lost }] },
          ];
        }
        const fromLost = Math.max(0, quantity - level);
        this.#ledger.moved(productId, branchId, fromLost - quantity, command.id);
        this.#ledger.moved(productId, `${branchId}/written-off`, -fromLost, command.id);
        this.#ledger.moved(productId, 'central', quantity, command.id);
        return ['done', { branchId, productId, quantity }];
      }
      case 'quota.count': {
        const { branchId, productId, expected, counted } = body;
        this.#note(command);
        if (this.product(productId) === undefined) return ['refused', { reason: 'product-unknown' }];
        const { level, lost, open } = this.#atBranch(productId, branchId);
        // If the branch has learned of every write-off, its count is the level, and lost units were found first.
        const wanted = level >= expected ? counted : level + counted - expected;
        const found = level >= expected ? Math.min(lost, Math.max(0, counted - level)) : 0;
        const fromLost = found + Math.min(lost, Math.max(0, -wanted));
        const excess = Math.max(0, -wanted - lost);
        this.#ledger.moved(productId, `${branchId}/discrepancy`, -open, command.id);
        this.#ledger.moved(productId, branchId, Math.max(0, wanted) - level, command.id);
        this.#ledger.moved(productId, `${branchId}/written-off`, -fromLost, command.id);
        this.#ledger.moved(productId, `${branchId}/discrepancy`, excess, command.id);
        const delta = Math.max(0, wanted) - level - fromLost - excess;
        return ['done', { branchId, productId, delta, settled: open, excess }];
      }
      case 'branch.report': {
        const { branchId, incarnation } = body;
        this.#note(command);
        return ['done', { branchId, incarnation, isFrozen: this.frozen.has(branchId) }];
      }
      case 'quota.recall': {
        const { recallId, branchId, productId, quantity } = body;
        const unknown = this.#unknownUnits(productId, branchId);
        if (unknown !== undefined) return unknown;
        if (!this.#hasReported(branchId)) return ['refused', { reason: 'branch-silent' }];
        return ['done', { recallId, branchId, productId, quantity }];
      }
      case 'quota.write-off': {
        const { branchId, productId, quantity } = body;
        const refusal =
          this.#unknownUnits(productId, branchId) ?? shortOf(this.#ledger, productId, branchId, -quantity);
        if (refusal !== undefined) return refusal;
        this.#ledger.moved(productId, branchId, -quantity, command.id);
        this.#ledger.moved(productId, `${branchId}/written-off`, quantity, command.id);
        const onHand = this.#ledger.available(productId, branchId);
        const writtenOff = this.#ledger.available(productId, `${branchId}/written-off`);
        return ['done', { branchId, productId, quantity, onHand, writtenOff }];
      }
      case 'quota.settle': {
        const { branchId, productId, quantity } = body;
        const unknown = this.#unknownUnits(productId, branchId);
        if (unknown !== undefined) return unknown;
        const open = this.#ledger.available(productId, `${branchId}/discrepancy`);
        if (quantity > open) return ['refused', { reason: 'discrepancy-smaller', asked: quantity, open }];
        this.#ledger.moved(productId, `${branchId}/discrepancy`, -quantity, command.id);
        return ['done', { branchId, productId, quantity, open: open - quantity }];
      }
      case 'branch.unfreeze': {
        const { branchId, reason } = body;
        if (branchId === 'central' || !LOCATIONS.has(branchId)) return ['refused', { reason: 'branch-unknown' }];
        if (!this.frozen.delete(branchId)) return ['refused', { reason: 'branch-not-frozen' }];
        return ['done', { branchId, reason }];
      }
    }
  }

  /** An entry of a branch's log. Two with one number, or one of a former incarnation, freeze the branch. */
  #note(command: CommandOf<EntryKind>): void {
    const { id, body, replay } = command;
    const { branchId, incarnation, sequence } = body;
    const current = this.incarnationOf(branchId);
    const isTwice = this.entries.some(
      (entry) => entry.branchId === branchId && entry.incarnation === incarnation && entry.sequence === sequence,
    );
    const reason = isTwice
      ? `two entries have the number ${sequence} of incarnation ${incarnation}`
      : incarnation < current && replay === undefined
        ? `entry ${sequence} of incarnation ${incarnation} came after incarnation ${current} had reported`
        : undefined;
    if (reason !== undefined && !this.frozen.has(branchId)) this.frozen.set(branchId, reason);
    this.entries.push({ branchId, incarnation, sequence, id });
  }

  /** The highest incarnation that has sent an entry; 0: none has. */
  incarnationOf(branchId: string): number {
    const own = this.entries.filter((entry) => entry.branchId === branchId);
    return Math.max(0, ...own.map(({ incarnation }) => incarnation));
  }

  #hasReported(branchId: string): boolean {
    return this.entries.some((entry) => entry.branchId === branchId);
  }

  #atBranch(productId: string, branchId: string) {
    return {
      level: this.#ledger.available(productId, branchId),
      lost: this.#ledger.available(productId, `${branchId}/written-off`),
      open: this.#ledger.available(productId, `${branchId}/discrepancy`),
    };
  }

  #unknownUnits(productId: string, branchId: string): Decided | undefined {
    if (this.product(productId) === undefined) return ['refused', { reason: 'product-unknown' }];
    const isBranch = branchId !== 'central' && LOCATIONS.has(branchId);
    return isBranch ? undefined : ['refused', { reason: 'branch-unknown' }];
  }

  #merged(lines: readonly OrderLine[]): OrderLine[] {
    return [...new Set(lines.map(({ productId }) => productId))].map((productId) => ({
      productId,
      quantity: lines
        .filter((line) => line.productId === productId)
        .reduce((units, { quantity }) => units + quantity, 0),
    }));
  }

  /** The units whose level the command needs, wherever it finds them. */
  #movedBy(command: Command): { productId: string }[] {
    const { kind, body } = command;
    switch (kind) {
      case 'sale.record':
      case 'sale.return':
        return body.lines;
      case 'quota.accept':
      case 'quota.give-back':
      case 'quota.count':
        return [body];
      default:
        return this.#linesOf(command);
    }
  }

  #order(
    orderId: string,
    customerId: string,
    branchId: string | null,
    lines: OrderLine[],
    confirmed: () => void,
  ): Decided {
    const { short, unknownProducts, priced, totalCents } = this.#price(lines);
    if (short.length + unknownProducts.length > 0) {
      this.orders.push({ orderId, customerId, branchId, status: 'rejected', lines, totalCents: 0, returned: [] });
      return ['refused', { orderId, status: 'rejected', short, unknownProducts }];
    }
    for (const { productId, quantity } of lines) this.#ledger.move(productId, 'central', 0, quantity, orderId);
    this.orders.push({ orderId, customerId, branchId, status: 'confirmed', lines: priced, totalCents, returned: [] });
    confirmed();
    return ['done', { orderId, status: 'confirmed', lines: priced, totalCents }];
  }

  #price(lines: OrderLine[]) {
    const unknownProducts = lines.map((line) => line.productId).filter((id) => this.product(id)?.deleted !== false);
    const short = lines
      .filter((line) => !unknownProducts.includes(line.productId))
      .map(({ productId, quantity }) => ({ productId, asked: quantity, available: this.#ledger.available(productId) }))
      .filter(({ asked, available }) => asked > available);
    const priced = lines
      .filter((line) => !unknownProducts.includes(line.productId))
      .map(({ productId, quantity }) => {
        const { name, priceCents } = this.product(productId) as Product;
        return { productId, name, quantity, unitPriceCents: priceCents };
      });
    const totalCents = priced.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
    return { short, unknownProducts, priced, totalCents };
  }

  #unknown(productId: string, locations: string[]): Decided | undefined {
    const known = [...LOCATIONS].flatMap((each) => (each === 'central' ? [each] : [each, `${each}/quarantine`]));
    const unknownLocations = locations.filter((location) => !known.includes(location));
    if (this.product(productId) === undefined) {
      return ['refused', { reason: 'product-unknown', unknownProducts: [productId], unknownLocations }];
    }
    return unknownLocations.length > 0 ? ['refused', { reason: 'location-unknown', unknownLocations }] : undefined;
  }

  #release(reservation: Reservation, status: string, commandId: string): void {
    for (const { productId, quantity } of reservation.lines)
      this.#ledger.move(productId, 'central', 0, -quantity, commandId);
    reservation.status = status;
  }

  #reservationOf(reservationId: string, customerId: string): Reservation | undefined {
    return this.reservations.find((each) => each.reservationId === reservationId && each.customerId === customerId);
  }

  orderOf(orderId: string, customerId: string): Order | undefined {
    return this.orders.find((each) => each.orderId === orderId && each.customerId === customerId);
  }

  /**
   * Whether a command with this id may still be carried out or refused: nothing was decided under it, or only a
   * tombstone.
   */
  #mayStillCome(id: string): boolean {
    return this.decided.every((done) => done.id !== id) || this.tombstones.some((each) => each.id === id);
  }

  #bury(id: string, reason: string, author: string): void {
    const isBuried = this.tombstones.some((each) => each.id === id && each.author === author);
    if (!isBuried) this.tombstones.push({ id, reason, author });
  }

  /** The lines of an order, or the lines that a checkout finds in the cart as of its stamp. Empty for other kinds. */
  #linesOf({ kind, body, stamp }: Command): OrderLine[] {
    if (kind === 'order.place' || kind === 'reservation.create') return body.lines;
    if (kind !== 'cart.checkout') return [];
    return this.cart(body.customerId)
      .filter((item) => item.stamp <= stamp)
      .map(({ productId, quantity }) => ({ productId, quantity }));
  }

  /** The items in the cart now, by product id. */
  cart(customerId: string): { productId: string; quantity: number; stamp: string }[] {
    return this.#latest(customerId)
      .filter((edit) => edit.quantity > 0 && edit.ordered === undefined)
      .filter((edit) => this.#clearsOf(customerId).every((clear) => clear.stamp < edit.stamp))
      .map(({ productId, quantity, stamp }) => ({ productId, quantity, stamp }))
      .sort((a, b) => (a.productId < b.productId ? -1 : 1));
  }

  /** The latest edit of each product, in the order in which the products were first put in. */
  #latest(customerId: string): Edit[] {
    const own = this.#edits.filter((edit) => edit.customerId === customerId);
    return [...new Set(own.map(({ productId }) => productId))].map((productId) =>
      highest(own.filter((edit) => edit.productId === productId)),
    );
  }

  #takeOut(customerId: string, lines: OrderLine[], ordered: { orderId: string; stamp: string }): void {
    for (const edit of this.#latest(customerId)) {
      if (lines.some(({ productId }) => productId === edit.productId)) edit.ordered = ordered;
    }
  }

  #lost(reason: string, stamp: string, orderId?: string): Decided {
    return ['done', { applied: false, reason, stamp, ...(orderId === undefined ? {} : { orderId }) }];
  }

  /** Name and address of a customer now. Undefined: nobody is registered, or the customer was erased. */
  customer(customerId: string): { customerId: string; name: string; email: string } | undefined {
    const own = this.decided.filter(({ status, result }) => status === 'done' && result['customerId'] === customerId);
    if (own.some(({ command }) => command.kind === 'customer.erase')) return undefined;
    const changes = own.flatMap(({ command: { kind, body } }) =>
      kind === 'customer.register' || kind === 'customer.update' ? [{ name: body.name, email: body.email }] : [],
    );
    if (changes.length === 0) return undefined;
    const lastOf = (field: 'name' | 'email') =>
      changes.findLast((change) => change[field] !== undefined)?.[field] ?? '';
    return { customerId, name: lastOf('name'), email: lastOf('email') };
  }

  /** The current state of a product. */
  product(productId: string): Product | undefined {
    return this.#products.findLast((product) => product.productId === productId);
  }

  #change(product: Omit<Product, 'version'>): [string, Record<string, unknown>] {
    const { productId } = product;
    const version = this.#products.filter((other) => other.productId === productId).length + 1;
    this.#products.push({ ...product, version });
    return ['done', { productId, version }];
  }

  #clearsOf(customerId: string) {
    return this.#clears.filter((clear) => clear.customerId === customerId);
  }

  #doneOf(kind: Command['kind']): Done[] {
    return this.decided.filter(({ status, command }) => status === 'done' && command.kind === kind);
  }

  #owns(productId: string): boolean {
    return this.#ownedBuckets.has(bucketOf(productId, BUCKETS));
  }

  /**
   * Rejects a command that its sender may not send. The reply has the reason of this command, never that of an earlier
   * dead letter.
   */
  #forbid(id: string, hash: string, reason: string, sender: string | null, retried?: Letter): Reply {
    const before = this.deadLetters.find((letter) => letter.id === id && letter.hash === hash);
    if (before === undefined || before === retried) {
      this.#deadLetter(id, hash, reason, 'forbidden', sender, retried);
    }
    return { type: 'dead-letter', commandId: id, reason, forbidden: true };
  }

  #deadLetter(
    id: string,
    hash: string,
    reason: string,
    errorClass: string,
    sender: string | null,
    retried?: Letter,
    isElsewhere = false,
  ): Reply {
    const before = this.deadLetters.find((letter) => letter.id === id && letter.hash === hash);
    if (before === undefined) {
      const letter = { id, hash, reason, errorClass, state: 'open', tries: 1, lastNumber: 0, isElsewhere, sender };
      this.deadLetters.push(letter);
    } else if (before === retried || (before.errorClass === 'forbidden' && before.sender !== sender)) {
      Object.assign(before, { reason, errorClass, sender, state: 'open', tries: before.tries + 1, isElsewhere });
    }
    return { type: 'dead-letter', commandId: id, reason: before?.reason ?? reason };
  }
}

function hashOf({ kind, body }: Command): string {
  const asked = { ...body, branchId: undefined };
  return createHash('sha256')
    .update(canonicalJson({ kind, body: asked }))
    .digest('hex');
}

function shortOf(ledger: NaiveLedger, productId: string, location: string, delta: number): Decided | undefined {
  const available = ledger.available(productId, location);
  if (available + delta >= 0) return undefined;
  return ['refused', { reason: 'stock-short', short: [{ productId, asked: -delta, available }] }];
}

function highest<T extends { stamp: string }>(all: readonly T[]): T {
  return all.reduce((one, other) => (other.stamp > one.stamp ? other : one));
}

function plain(lines: OrderLine[]): OrderLine[] {
  return lines.map(({ productId, quantity }) => ({ productId, quantity }));
}

function over({ status, orderId }: Reservation): Decided {
  const members = orderId === undefined ? {} : { orderId };
  return ['refused', { reason: 'reservation-over', reservationStatus: status, ...members }];
}

function outcomeReply({ id, status, result }: Done, repeated: boolean): Reply {
  return { type: 'outcome', commandId: id, status: status as 'done', repeated, result };
}
