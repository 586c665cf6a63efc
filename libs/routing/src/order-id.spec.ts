import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { bucketOf } from './bucket.js';
import { commandIdFor, customerIdFor, newCommandId, newId, ownCommandId } from './command-id.js';
import { newOrderId, orderIdFor } from './order-id.js';
import { bucketOfId, isRoutedBy } from './routed-id.js';
import { ID_RANDOM_BYTES, isUuid } from './uuid.js';
import { routingVectors } from './test/vectors.js';

const text = fc.string({ unit: 'binary' });
const keyOf = (hex: string) => createSecretKey(hex, 'hex');
const idKey = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => createSecretKey(bytes));
const nowMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const random = fc.uint8Array({ minLength: ID_RANDOM_BYTES, maxLength: 16 });
const buckets = fc.constantFrom(1, 2, 16, 256);
const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('order ids', () => {
  it.each(routingVectors.newOrderIds)('agree with the shared vector $id', ({ randomHex, id, ...source }) => {
    expect(newOrderId({ ...source, random: Buffer.from(randomHex, 'hex') })).toBe(id);
  });

  it.each(routingVectors.orderIds)('agree with the shared vector $id', ({ idKeyHex, id, ...request }) => {
    expect(orderIdFor({ ...request, idKey: keyOf(idKeyHex) })).toBe(id);
  });

  it('contain the bucket of their customer, whether new or derived from an Idempotency-Key', () => {
    fc.assert(
      fc.property(text, idKey, text, nowMs, random, buckets, (customerId, idKey, idempotencyKey, ms, bytes, count) => {
        const made = newOrderId({ customerId, nowMs: ms, random: bytes });
        const asked = orderIdFor({ idKey, customerId, idempotencyKey });
        expect(made).toMatch(V7);
        expect(asked).toMatch(V8);
        for (const id of [made, asked, asked.toUpperCase()]) {
          expect(isUuid(id)).toBe(true);
          expect(isRoutedBy(id, customerId)).toBe(true);
          expect(bucketOfId(id, count)).toBe(bucketOf(customerId, count));
        }
      }),
    );
  });

  it('sort by time if they are new', () => {
    fc.assert(
      fc.property(text, nowMs, nowMs, random, random, (customerId, a, b, bytesA, bytesB) => {
        fc.pre(a !== b);
        const before = newOrderId({ customerId, nowMs: Math.min(a, b), random: bytesA });
        const after = newOrderId({ customerId, nowMs: Math.max(a, b), random: bytesB });
        expect(before < after).toBe(true);
      }),
    );
  });

  it('are the same for the same request and differ by id key, customer or key, wherever a field ends', () => {
    const request = fc.record({ idKey, customerId: text, idempotencyKey: text });
    fc.assert(
      fc.property(request, request, (a, b) => {
        expect(orderIdFor({ ...a })).toBe(orderIdFor(a));
        const same = a.idKey.equals(b.idKey) && a.customerId === b.customerId && a.idempotencyKey === b.idempotencyKey;
        expect(orderIdFor(a) === orderIdFor(b)).toBe(same);
      }),
    );
    fc.assert(
      fc.property(idKey, text, fc.nat(), (idKey, run, cut) => {
        const characters = [...run];
        const at = cut % (characters.length + 1);
        const id = (end: number) =>
          orderIdFor({
            idKey,
            customerId: characters.slice(0, end).join(''),
            idempotencyKey: characters.slice(end).join(''),
          });
        expect(id(at) === id(0)).toBe(at === 0);
      }),
    );
  });

  it('are refused for invalid input and for text that is no id', () => {
    const random10 = new Uint8Array(10);
    expect(() => newOrderId({ customerId: 'c', nowMs: 1.5, random: random10 })).toThrow(/whole milliseconds/);
    expect(() => newOrderId({ customerId: 'c', nowMs: -1, random: random10 })).toThrow(/whole milliseconds/);
    expect(() => newOrderId({ customerId: 'c', nowMs: 2 ** 48, random: random10 })).toThrow(/whole milliseconds/);
    expect(() => newOrderId({ customerId: 'c', nowMs: 0, random: new Uint8Array(9) })).toThrow(
      /10 random bytes, not 9/,
    );
    expect(() => orderIdFor({ idKey: keyOf('00'), customerId: '\ud800', idempotencyKey: 'k' })).toThrow(
      /lone surrogate/,
    );
    expect(() => isRoutedBy('1234', 'c')).toThrow(/not a UUID: "1234"/);
    expect(() => bucketOfId('', 16)).toThrow(/not a UUID/);
  });
});

describe('command ids', () => {
  it.each(routingVectors.commandIds)('agree with the shared vector $id', ({ idKeyHex, id, ...request }) => {
    expect(commandIdFor({ ...request, idKey: keyOf(idKeyHex) })).toBe(id);
  });

  it.each(routingVectors.ownCommandIds)(
    'of EcoMarket itself agree with the shared vector $id',
    ({ id, ...content }) => {
      expect(ownCommandId(content)).toBe(id);
    },
  );

  it('contain the bucket of their key and are never an order’s id', () => {
    fc.assert(
      fc.property(idKey, text, text, text, nowMs, random, buckets, (idKey, kind, key, idempotencyKey, ms, bytes, n) => {
        const asked = commandIdFor({ idKey, kind, key, idempotencyKey });
        const made = newCommandId({ key, nowMs: ms, random: bytes });
        expect(asked).toMatch(V8);
        expect(made).toMatch(V7);
        expect(bucketOfId(asked, n)).toBe(bucketOf(key, n));
        expect(bucketOfId(made, n)).toBe(bucketOf(key, n));
        expect(orderIdFor({ idKey, customerId: key, idempotencyKey })).not.toBe(asked);
        expect(commandIdFor({ idKey, kind: `${kind}.`, key, idempotencyKey })).not.toBe(asked);
      }),
    );
  });
});

describe('customerIdFor', () => {
  it('gives two principals two customers under one key, and the same principal the same one', () => {
    fc.assert(
      fc.property(idKey, text, text, text, (idKey, a, b, idempotencyKey) => {
        const of = (principalId: string) => customerIdFor({ idKey, principalId, idempotencyKey });
        expect(of(a)).toMatch(V8);
        expect(of(a) === of(b)).toBe(a === b);
      }),
    );
  });
});

describe('newId', () => {
  it('keeps all its 74 random bits', () => {
    fc.assert(
      fc.property(
        nowMs,
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        fc.integer({ min: 0, max: 79 }),
        (ms, bytes, bit) => {
          const id = newId({ nowMs: ms, random: bytes });
          expect(id).toMatch(V7);
          const flipped = bytes.slice();
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
          const overwritten = bit < 2 || bit >= 76; // The variant overwrites 2 bits, and the last 4 bits are not used.
          expect(newId({ nowMs: ms, random: flipped }) === id).toBe(overwritten);
        },
      ),
    );
  });
});

describe('isUuid', () => {
  it('accepts a UUID of any version, in either case', () => {
    fc.assert(fc.property(fc.uuid(), (id) => isUuid(id) && isUuid(id.toUpperCase())));
    expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(true);
    expect(isUuid('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe(true);
    expect(isUuid('018bcfe5-687b-9000-c000-000000000000')).toBe(true);
  });

  it.each([
    '',
    'order-1',
    '018bcfe5687b70008000000000000000',
    '{018bcfe5-687b-7000-8000-000000000000}',
    ' 018bcfe5-687b-7000-8000-000000000000',
    '018bcfe5-687b-7000-8000-000000000000\n',
    '018bcfe5-687b-70008-000-000000000000',
    '018bcfe5-687b-7000-8000-00000000000g',
  ])('refuses %p', (text) => {
    expect(isUuid(text)).toBe(false);
  });
});
