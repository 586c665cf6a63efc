import { hash } from 'node:crypto';
import fc from 'fast-check';
import { BROKER_MESSAGE_BYTES_MAX, type Command } from '@eco/contracts';
import { isUuid } from '@eco/routing';
import { CONTENT_LENGTH_MAX, jsonText } from './content.js';
import type { Arrived } from './effects.js';
import { readCommands } from './read-commands.js';
import { checkOut, command, placeOrder } from './test/commands.js';

const order = placeOrder('ana', { cafe: 1 });
const messageOf = (...commands: unknown[]) => ({ version: 1, commands });
const bytesOf = (message: unknown) => Buffer.from(JSON.stringify(message));

function unreadable(message: unknown): Arrived & { readable: false } {
  const arrived = readCommands(message, 'central');
  expect(arrived).toMatchObject([{ readable: false }]);
  return arrived[0] as Arrived & { readable: false };
}
const reasonOf = (raw: object) => unreadable(messageOf(raw)).reason;

describe('readCommands', () => {
  it('reads a message with many commands, as bytes or parsed', () => {
    const commands: Command[] = [
      order,
      { ...placeOrder('Ñandú 🛒', { cafe: 1, mate: 2 }), notAfter: '2026-11-24T12:00:00Z', reply: true },
      checkOut('ana'),
      command('cart.edit', { customerId: 'ana', productId: 'cafe', quantity: 0 }),
      command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 }),
    ];
    const arrived = commands.map((command) => ({ readable: true, command, sender: 'central' }));
    expect(readCommands(messageOf(...commands), 'central')).toEqual(arrived);
    expect(readCommands(bytesOf(messageOf(...commands)), 'central')).toEqual(arrived);
    expect(readCommands(new Uint8Array(bytesOf(messageOf(...commands))), 'central')).toEqual(arrived);
  });

  // ASVS 5.0: 1.1.1
  it('normalizes different spellings of one command', () => {
    const product = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 });
    const loud = { ...product, id: product.id.toUpperCase(), body: { ...product.body, name: ' Café ' } };
    expect(readCommands(messageOf(loud), 'central')).toEqual([{ readable: true, command: product, sender: 'central' }]);
  });

  // ASVS 5.0: 2.2.2
  it('names every violation of a command, each with its place', () => {
    const body = { ...order.body, customerId: '', lines: [{ productId: 'cafe', quantity: 0 }] };
    const bad = { ...order, stamp: 'now', notAfter: 'soon', body };
    const { commandId, errorClass, sentBy, raw, reason } = unreadable(messageOf(bad));
    expect({ commandId, errorClass, sentBy, raw }).toEqual({
      commandId: order.id,
      errorClass: 'invalid',
      sentBy: 'spec',
      raw: bad,
    });
    const places = reason.split('; ').map((fault) => fault.split(':')[0]);
    expect(places.sort()).toEqual(['/body/customerId', '/body/lines/0/quantity', '/notAfter', '/stamp']);
    expect(reason).toContain('/body/lines/0/quantity: must be at least 1');
  });

  it('keeps the stamp of a bad command whose sender waits for a reply, if it can be read', () => {
    const bad = { ...order, body: {} };
    expect(unreadable(messageOf({ ...bad, reply: true })).replyStamp).toBe(order.stamp);
    expect(unreadable(messageOf(bad))).not.toHaveProperty('replyStamp');
    expect(unreadable(messageOf({ ...bad, reply: true, stamp: 'now' }))).not.toHaveProperty('replyStamp');
    expect(unreadable({ version: 2, commands: [] })).not.toHaveProperty('replyStamp');
  });

  it('states the requirements of each alternative of a field', () => {
    const edit = command('cart.edit', { customerId: 'ana', productId: 'cafe', quantity: 1 });
    expect(reasonOf({ ...edit, body: { ...edit.body, quantity: 'all' } })).toMatch(
      /^\/body\/quantity: .*0, or .*number/,
    );
    expect(reasonOf({ ...edit, body: { ...edit.body, quantity: 10_001 } })).toBe(
      '/body/quantity: must be at most 10000',
    );
  });

  // ASVS 5.0: 2.2.3
  it('checks an order’s id against its customer', () => {
    const other = placeOrder('bo', { cafe: 1 });
    expect(reasonOf({ ...order, id: other.id })).toBe("/body/orderId: must be the command's id");
    const stolen = { ...order, id: other.id, body: { ...order.body, orderId: other.id } };
    const hash = '/body/orderId: must hold the hash of its customer in the 12 bits after the version digit';
    expect(reasonOf(stolen)).toBe(hash);
    const cart = checkOut('ana');
    expect(reasonOf({ ...cart, body: { ...cart.body, orderId: other.id } })).toBe(
      `/body/orderId: must be the command's id; ${hash}`,
    );
  });

  it('refuses a stamp whose time has no four-digit year', () => {
    const edge = '253402300799999-00000-spec';
    expect(readCommands(messageOf({ ...order, stamp: edge }), 'central')).toMatchObject([{ readable: true }]);
    expect(reasonOf({ ...order, stamp: edge.replace('799999', '800000') })).toContain('/stamp');
  });

  it('keeps the good neighbours of a bad command', () => {
    const arrived = readCommands(messageOf(order, { ...order, kind: 'order.eat' }, null, checkOut('ana')), 'central');
    expect(arrived.map(({ readable }) => readable)).toEqual([true, false, false, true]);
    expect(arrived[1]).toMatchObject({ commandId: order.id, reason: expect.stringContaining('/kind') as string });
    expect(arrived[2]).toMatchObject({ raw: null, sentBy: null });
  });

  it.each([
    ['no version', { commands: [order] }, '/version'],
    ['another version', { version: 2, commands: [order] }, '/version'],
    ['no commands', messageOf(), '/commands'],
    ['too many commands', messageOf(...Array.from({ length: 257 }, () => 1)), '/commands'],
    ['a bare command', order, '/version'],
    ['a text', 'hello', '(all of it)'],
    ['nothing', undefined, '(all of it)'],
  ])('makes one unreadable command of a message with %s', (_, message, place) => {
    const { reason, errorClass, commandId } = unreadable(message);
    expect(reason).toContain(place);
    expect(errorClass).toBe('unreadable');
    expect(isUuid(commandId)).toBe(true);
  });

  it('keeps bytes that are no JSON as text, or as base64 if they are no text', () => {
    expect(unreadable(Buffer.from('{"version": 1, ñ'))).toMatchObject({
      errorClass: 'unreadable',
      reason: expect.stringContaining('is not JSON') as string,
      raw: { text: '{"version": 1, ñ', length: 16 },
    });
    expect(unreadable(Buffer.from([0xff, 0x00]))).toMatchObject({
      reason: 'is not UTF-8',
      raw: { base64: '/wA=', bytes: 2 },
    });
  });

  it('limits how much of endless content is kept', () => {
    const long = { ...order, note: 'é'.repeat(CONTENT_LENGTH_MAX) };
    expect(unreadable(messageOf(long)).raw).toEqual({
      text: JSON.stringify(long).slice(0, CONTENT_LENGTH_MAX),
      length: JSON.stringify(long).length,
    });
    const { raw } = unreadable(Buffer.alloc(CONTENT_LENGTH_MAX + 1, 0xff)) as {
      raw: { base64: string; bytes: number };
    };
    expect(raw.bytes).toBe(CONTENT_LENGTH_MAX + 1);
    expect(Buffer.from(raw.base64, 'base64')).toHaveLength(CONTENT_LENGTH_MAX);
  });

  it('makes a message with too many bytes one unreadable command without parsing it', () => {
    const text = JSON.stringify(messageOf(order));
    const padded = (length: number) => Buffer.from(text.padEnd(length));
    expect(readCommands(padded(BROKER_MESSAGE_BYTES_MAX), 'central')).toMatchObject([{ readable: true }]);
    const bytes = padded(BROKER_MESSAGE_BYTES_MAX + 1);
    expect(unreadable(bytes)).toMatchObject({
      errorClass: 'unreadable',
      failureSite: 'size',
      reason: 'has 262145 bytes: must have at most 262144',
      bodyHash: hash('sha256', bytes, 'hex'),
      raw: { base64: bytes.subarray(0, CONTENT_LENGTH_MAX).toString('base64'), bytes: bytes.length },
    });
  });

  describe('a command with an unknown field of any size', () => {
    const { body } = order;
    const created = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 });
    const lines = [{ productId: 'cafe', quantity: 1 }];
    /** The command with `text` in a field that this version does not know. */
    const kinds: [string, (text: string) => object][] = [
      ['an order', (note) => ({ ...order, note })],
      [
        'an order, in a line',
        (note) => ({ ...order, body: { ...body, lines: lines.map((line) => ({ ...line, note })) } }),
      ],
      ['a checkout, in the body', (note) => ({ ...checkOut('ana'), body: { ...checkOut('ana').body, note } })],
      ['a product, in an object', (note) => ({ ...created, note: { by: [note] } })],
    ];

    it.each(kinds)('is read up to the limit, and kept in part above it: %s', (_, withNote) => {
      const room = CONTENT_LENGTH_MAX - JSON.stringify(withNote('')).length;
      const longest = withNote('x'.repeat(room));
      expect(readCommands(bytesOf(messageOf(longest)), 'central')).toEqual([
        { readable: true, command: longest, sender: 'central' },
      ]);
      const { reason, errorClass, raw } = unreadable(bytesOf(messageOf(withNote('x'.repeat(room + 1)))));
      expect([reason, errorClass]).toEqual(['(all of it): must have at most 65536 characters as JSON', 'invalid']);
      expect(raw).toMatchObject({ length: CONTENT_LENGTH_MAX + 1 });
    });
  });

  it('limits the reason of endless violations', () => {
    const lines = Array.from({ length: 200 }, () => ({ productId: '', quantity: 0 }));
    const reason = reasonOf({ ...order, body: { ...order.body, lines } });
    expect(reason.length).toBeLessThan(8100);
    expect(reason).toMatch(/^\/body\/lines\/0\/productId: .*; and \d{3} violations more$/);
  });

  it('reads content that nests deeper than the stack, and keeps it as text', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const { raw, reason } = unreadable(Buffer.from(`{"version":1,"commands":[{"body":${deep}}]}`));
    expect(raw).toEqual({ text: `{"body":${deep}`.slice(0, CONTENT_LENGTH_MAX), length: 100_009 });
    expect(reason).toContain('/kind');
  });

  it('gives different contents different ids, although both use the same id', () => {
    const bad = (quantity: number) => ({ ...order, body: { ...order.body, lines: [{ productId: 'cafe', quantity }] } });
    const [a, again, b] = [bad(0), bad(0), bad(-1)].map((raw) => unreadable(bytesOf(messageOf(raw))));
    expect(again).toEqual(a);
    expect(b?.commandId).toBe(a?.commandId);
    expect(b?.bodyHash).not.toBe(a?.bodyHash);
    const [c, cAgain, d] = ['x', 'x', 'y'].map((text) => unreadable(Buffer.from(text)));
    expect(cAgain).toEqual(c);
    expect(d?.commandId).not.toBe(c?.commandId);
  });

  // ASVS 5.0: 1.5.2
  it('accepts any input: never throws, loses no command, and keeps only content that can be stored as JSON', () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
      fc.jsonValue({ maxDepth: 4 }),
      fc
        .array(fc.oneof(fc.jsonValue(), fc.constant(order)), { minLength: 1 })
        .map((commands) => messageOf(...commands)),
    );
    fc.assert(
      fc.property(message, (message) => {
        const arrived = readCommands(message, 'central');
        const commands = (message as { commands?: unknown[] } | null)?.commands;
        expect(arrived).toHaveLength(Array.isArray(commands) ? commands.length : 1);
        expect(readCommands(message, 'central')).toEqual(arrived);
        for (const one of arrived) {
          if (one.readable) continue;
          expect(isUuid(one.commandId) && /^[0-9a-f]{64}$/.test(one.bodyHash) && one.reason !== '').toBe(true);
          expect(typeof JSON.stringify(one.raw)).toBe('string');
        }
      }),
    );
  });
});

describe('jsonText', () => {
  it('is the text of JSON.stringify, with its depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonText(value).text).toBe(JSON.stringify(value));
      }),
    );
    expect(['x', [], [[]], { a: [{}] }].map((value) => jsonText(value).depth)).toEqual([0, 1, 2, 3]);
  });
});
