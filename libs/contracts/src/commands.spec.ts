import type { z } from 'zod';
import {
  commandKinds,
  commandMessageSchema,
  commandSchema,
  idFieldsOf,
  idMadeBy,
  keyOf,
  type CommandKind,
} from './commands.js';
import { commandRoutes, type CommandDescriptor } from './define-command.js';
import { MAX_ORDER_LINES } from './order-lines.js';

const { body: placeOrderSchema } = commandKinds['order.place'];
const { body: editCartSchema } = commandKinds['cart.edit'];
const { body: registerCustomerSchema } = commandKinds['customer.register'];
const orderId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';

const entry = { branchId: 'sucursal-1', incarnation: 1, sequence: 7 };

const bodies: { [K in CommandKind]: z.input<(typeof commandKinds)[K]['body']> } = {
  'order.place': {
    orderId,
    customerId: 'ana',
    branchId: 'sucursal-1',
    lines: [{ productId: 'cafe-premium', quantity: 2 }],
  },
  'cart.edit': { customerId: 'ana', productId: 'cafe-premium', quantity: 0 },
  'cart.clear': { customerId: 'ana' },
  'cart.checkout': { orderId, customerId: 'ana', branchId: null },
  'customer.register': { customerId: 'ana', name: 'Ana Torres', email: 'ana@example.com', branchId: null },
  'customer.update': { customerId: 'ana', name: 'Ana Torres Gil' },
  'customer.erase': { customerId: 'ana' },
  'product.create': { productId: 'cafe-premium', name: 'Café Premium', priceCents: 890, stock: 100 },
  'product.update': { productId: 'cafe-premium', name: 'Café Premium', priceCents: 890 },
  'product.delete': { productId: 'cafe-premium' },
  'reservation.create': {
    reservationId: orderId,
    customerId: 'ana',
    branchId: null,
    lines: [{ productId: 'cafe-premium', quantity: 2 }],
    ttlSeconds: 600,
  },
  'reservation.confirm': { orderId, reservationId: orderId, customerId: 'ana', branchId: 'sucursal-1' },
  'reservation.release': { reservationId: orderId, customerId: 'ana' },
  'reservation.expire': { reservationId: orderId, customerId: 'ana' },
  'order.cancel': { orderId, customerId: 'ana' },
  'order.fulfil': { orderId, customerId: 'ana' },
  'order.return': {
    orderId,
    customerId: 'ana',
    location: 'sucursal-1',
    lines: [{ productId: 'cafe-premium', quantity: 1 }],
  },
  'stock.receive': { productId: 'cafe-premium', location: 'central', quantity: 10 },
  'stock.adjust': { productId: 'cafe-premium', location: 'central', delta: -2, reason: 'broken' },
  'stock.count': { productId: 'cafe-premium', location: 'central', expected: 8, counted: 0 },
  'transfer.send': { transferId: orderId, productId: 'cafe-premium', from: 'central', to: 'sucursal-1', quantity: 5 },
  'transfer.receive': { transferId: orderId, productId: 'cafe-premium' },
  'transfer.write-off': { transferId: orderId, productId: 'cafe-premium', reason: 'stolen on the way' },
  'sale.record': {
    ...entry,
    saleId: orderId,
    till: '1',
    receiptNumber: 'A-sucursal-1-1-1-42',
    shiftId: orderId,
    soldAt: '2026-11-24T12:00:00.000Z',
    customerId: null,
    lines: [
      { productId: 'cafe-premium', name: 'Café Premium', quantity: 2, unitPriceCents: 890, taxBasisPoints: 1600 },
    ],
    payment: { cashCents: 1780, cardCents: 0, changeCents: 220, roundingCents: 0 },
    totalCents: 1780,
  },
  'sale.void': { ...entry, saleId: orderId, voidedAt: '2026-11-24T12:00:00.000Z', reason: 'wrong product' },
  'sale.return': {
    ...entry,
    returnId: orderId,
    saleId: null,
    returnedAt: '2026-11-24T12:00:00.000Z',
    reason: 'broken',
    lines: [{ productId: 'cafe-premium', quantity: 1, unitPriceCents: 890 }],
    refundCents: 890,
  },
  'shift.close': {
    ...entry,
    shiftId: orderId,
    till: '1',
    openedAt: '2026-11-24T08:00:00.000Z',
    closedAt: '2026-11-24T16:00:00.000Z',
    openingCents: 50_000,
    expectedCents: 51_780,
    countedCents: 51_700,
    sales: 1,
    voids: 0,
    returns: 0,
    totalCents: 1780,
  },
  'quota.fetch': {
    transferId: orderId,
    branchId: 'sucursal-1',
    productId: 'cafe-premium',
    quantity: 20,
    remaining: 3,
  },
  'quota.accept': { ...entry, transferId: orderId, productId: 'cafe-premium' },
  'quota.give-back': { ...entry, productId: 'cafe-premium', quantity: 5, recallId: null },
  'quota.count': { ...entry, productId: 'cafe-premium', expected: 20, counted: 19, reason: 'stolen' },
  'branch.report': entry,
  'quota.recall': { recallId: orderId, branchId: 'sucursal-1', productId: 'cafe-premium', quantity: 5 },
  'quota.write-off': {
    branchId: 'sucursal-1',
    productId: 'cafe-premium',
    quantity: 5,
    reason: 'the branch burned down',
  },
  'quota.settle': { branchId: 'sucursal-1', productId: 'cafe-premium', quantity: 2, reason: 'found the delivery note' },
  'branch.unfreeze': { branchId: 'sucursal-1', reason: 'the copy was destroyed' },
  'dead-letter.discard': { commandId: orderId, bodyHash: 'ab'.repeat(32), reason: 'sent by a test', by: 'ana' },
};

const command = (kind: CommandKind, body: object = bodies[kind]) => ({
  id: orderId,
  kind,
  stamp: '001795521600000-00000-central-api-1',
  sentBy: 'central-api-1',
  correlationId: 'c-1',
  body,
});

/** `path: message` of each violation. */
function faults(schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('commandSchema', () => {
  it.each(Object.keys(bodies) as CommandKind[])('reads %s', (kind) => {
    expect(faults(commandSchema, command(kind))).toEqual([]);
    expect(faults(commandSchema, { ...command(kind), notAfter: '2026-11-24T12:00:00.000Z', reply: true })).toEqual([]);
  });

  it.each(Object.keys(bodies) as CommandKind[])('keeps unknown fields of %s', (kind) => {
    const newer = { ...command(kind, { ...bodies[kind], gift: { wrap: ['red'] } }), trace: 'a-1' };
    expect(commandSchema.parse(newer)).toEqual(newer);
  });

  it.each(['order.place', 'reservation.create', 'order.return'] as const)(
    'keeps unknown fields of a line of %s',
    (kind) => {
      const lines = (bodies[kind].lines as object[]).map((line) => ({ ...line, note: 'no sugar' }));
      expect(commandSchema.parse(command(kind, { ...bodies[kind], lines })).body).toMatchObject({ lines });
    },
  );

  it('refuses an unknown field that is nested deeper than a hash can follow', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    const withField = (levels: number) => command('cart.clear', { ...bodies['cart.clear'], more: nested(levels) });
    expect(faults(commandSchema, withField(16))).toEqual([]);
    expect(faults(commandSchema, withField(17))).toEqual(['body.more: must not have more than 16 levels']);
  });

  it.each(Object.keys(bodies) as CommandKind[])('names every field that %s lacks', (kind) => {
    // A change of a product or a customer names only the fields that it changes.
    const required = /^(product|customer)\.update$/.test(kind) ? [commandKinds[kind].key] : Object.keys(bodies[kind]);
    expect(faults(commandSchema, command(kind, {})).map((fault) => fault.split(':')[0])).toEqual(
      required.map((field) => `body.${field}`),
    );
  });

  // ASVS 5.0: 1.3.3
  it('allows no control character in logs', () => {
    const bad = { ...command('cart.clear'), sentBy: 'a\0b', correlationId: 'c\u001b[2J' };
    expect(faults(commandSchema, bad)).toEqual([
      'sentBy: must not hold control characters',
      'correlationId: must not hold control characters',
    ]);
  });

  it('names every violation of an envelope', () => {
    const bad = { ...command('cart.clear'), id: 'x', stamp: 'now', sentBy: '', notAfter: 'soon', reply: 'yes' };
    expect(faults(commandSchema, bad).map((fault) => fault.split(':')[0])).toEqual([
      'id',
      'stamp',
      'sentBy',
      'notAfter',
      'reply',
    ]);
  });

  it.each([
    ['stock.adjust', { delta: 0 }, 'body.delta: must not be 0'],
    ['stock.adjust', { delta: -2_000_000_000 }, 'body.delta: must be at least -1000000000'],
    ['stock.receive', { quantity: 0 }, 'body.quantity: must be at least 1'],
    ['stock.count', { counted: -1 }, 'body.counted: must not be negative'],
    ['transfer.send', { to: 'central' }, 'body.to: must be another location than from'],
    ['reservation.create', { ttlSeconds: 86_401 }, 'body.ttlSeconds: must be at most 86400'],
  ] as const)('refuses %s with %j', (kind, fields, fault) => {
    expect(faults(commandSchema, command(kind, { ...bodies[kind], ...fields }))).toEqual([fault]);
  });

  it.each([null, 1, 'text', [], {}, { kind: 'order.forget' }])('refuses %j', (value) => {
    expect(faults(commandSchema, value)).not.toEqual([]);
  });

  it('writes ids in lower case, so that an id has one spelling', () => {
    const upper = { ...command('cart.clear'), id: orderId.toUpperCase() };
    expect(commandSchema.parse(upper).id).toBe(orderId);
  });
});

describe('placeOrderSchema', () => {
  const line = (quantity: unknown, productId: unknown = 'cafe-premium') => ({ productId, quantity });
  const lines = (...given: unknown[]) => faults(placeOrderSchema, { ...bodies['order.place'], lines: given });

  // ASVS 5.0: 1.4.2
  it.each([
    [0, 'must be at least 1'],
    [-1, 'must be at least 1'],
    [1.5, 'must be a whole number'],
    [10_001, 'must be at most 10000'],
  ])('refuses a quantity of %p', (quantity, fault) => {
    expect(lines(line(quantity))).toEqual([`lines.0.quantity: ${fault}`]);
  });

  it.each(['2', null, undefined, true, NaN, Infinity, 1e308, 2 ** 53])('refuses %p for a quantity', (quantity) => {
    expect(lines(line(quantity)).every((fault) => fault.startsWith('lines.0.quantity: '))).toBe(true);
    expect(lines(line(quantity))).not.toEqual([]);
  });

  // ASVS 5.0: 2.3.2
  it('refuses no line and too many lines', () => {
    expect(lines()).toEqual(['lines: must hold at least 1 line']);
    const many = Array.from({ length: MAX_ORDER_LINES + 1 }, (_, index) => line(1, `p${index}`));
    expect(lines(...many)).toEqual([`lines: must hold at most ${MAX_ORDER_LINES} lines`]);
    expect(lines(...many.slice(1))).toEqual([]);
  });

  it('names the second line of a product, wherever it is', () => {
    expect(lines(line(1), line(1, 'te'), line(1))).toEqual([
      'lines.2.productId: names the same product as line 0: put the units into one line',
    ]);
  });

  it('names every violation at once', () => {
    const bad = { orderId: '1', customerId: '', branchId: '-', lines: [line(0), line(1, 'a b')] };
    expect(faults(placeOrderSchema, bad).map((fault) => fault.split(':')[0])).toEqual([
      'orderId',
      'customerId',
      'branchId',
      'lines.0.quantity',
      'lines.1.productId',
    ]);
  });

  it.each([
    ['ana\u0000', 'must not hold control characters'],
    ['ana\n', 'must not hold control characters'],
    ['\ud800', 'must not hold control characters'],
    ['a'.repeat(129), 'must be at most 128 characters'],
    ['', 'must not be empty'],
  ])('refuses the customer %j', (customerId, fault) => {
    expect(faults(placeOrderSchema, { ...bodies['order.place'], customerId })).toEqual([`customerId: ${fault}`]);
  });

  it.each(['ana', 'Añá 7', '客户', '👩‍👩‍👧', "'; DROP TABLE orders; --", '../../etc'])(
    'accepts the customer %j',
    (customerId) => {
      expect(faults(placeOrderSchema, { ...bodies['order.place'], customerId })).toEqual([]);
    },
  );
});

describe('other bodies', () => {
  // ASVS 5.0: 1.3.11
  it.each(['ana', 'ana@', '@example.com', 'a b@example.com', 'ana@example', 1])(
    'refuse the e-mail address %j',
    (email) => {
      expect(faults(registerCustomerSchema, { ...bodies['customer.register'], email })).toEqual([
        expect.stringMatching(/^email: /),
      ]);
    },
  );

  it('trim names, and refuse empty ones', () => {
    const named = (name: string) => ({ ...bodies['customer.register'], name });
    expect(registerCustomerSchema.parse(named('  Ana ')).name).toBe('Ana');
    expect(faults(registerCustomerSchema, named('   '))).toEqual(['name: must not be empty']);
  });

  it.each([-1, 0.5, 10_001, '1'])('refuse %p units in a cart', (quantity) => {
    expect(faults(editCartSchema, { ...bodies['cart.edit'], quantity })).not.toEqual([]);
  });
});

describe('commandMessageSchema', () => {
  it('accepts the outer shape, so that each command is read by itself', () => {
    const message = { version: 1, commands: [command('cart.clear'), 'nonsense', null] };
    expect(commandMessageSchema.parse(message)).toEqual(message);
  });

  it.each([null, {}, { version: 1 }, { version: 1, commands: [] }, { version: 2, commands: [1] }])(
    'refuses %j',
    (value) => {
      expect(faults(commandMessageSchema, value)).not.toEqual([]);
    },
  );

  it('says which version is too new, and what to upgrade', () => {
    expect(faults(commandMessageSchema, { version: 2, commands: [1] })).toEqual([
      'version: is 2, and this writer reads 1: upgrade the writers before the senders',
    ]);
  });
});

describe('keyOf', () => {
  it.each(Object.keys(bodies) as CommandKind[])('of %s is the key of its kind', (kind) => {
    const read = commandSchema.parse(command(kind));
    const keys = { customerId: 'ana', productId: 'cafe-premium', branchId: 'sucursal-1', commandId: orderId };
    expect(keyOf(read)).toBe(keys[commandKinds[kind].key]);
  });

  it('separates commands that are only accepted from those answered within their request', () => {
    const accepted = Object.entries(commandKinds).filter(([, { route }]) => commandRoutes[route] === 'orders');
    expect(accepted.map(([kind]) => kind)).toEqual([
      'order.place',
      'cart.edit',
      'cart.clear',
      'cart.checkout',
      'customer.register',
      'sale.record',
      'sale.void',
      'sale.return',
      'shift.close',
      'quota.accept',
      'quota.give-back',
      'quota.count',
      'branch.report',
    ]);
  });

  it('allows no command about the catalogue or other locations’ stock on a route that a branch may use', () => {
    for (const [kind, { route }] of Object.entries(commandKinds)) {
      expect(route === 'products').toBe(
        /^(product|stock|dead-letter)\.|^(transfer|quota)\.(send|recall|write-off|settle)$|^customer\.(update|erase)$|^branch\.unfreeze$/.test(
          kind,
        ),
      );
    }
  });
});

describe('idMadeBy', () => {
  it.each(Object.keys(bodies) as CommandKind[])('names a field of the body of %s, or none', (kind) => {
    const { makes } = commandKinds[kind];
    expect(idMadeBy(kind, bodies[kind])).toBe(makes === undefined ? undefined : orderId);
  });
});

describe('idFieldsOf', () => {
  it('names the ids in a body, but not its key', () => {
    expect(idFieldsOf('reservation.confirm')).toEqual(['orderId', 'reservationId']);
    expect(idFieldsOf('transfer.receive')).toEqual(['transferId']);
    expect(idFieldsOf('cart.edit')).toEqual([]);
    // The id of a transfer holds the hash of the product, not of the branch that accepts it.
    expect(idFieldsOf('quota.accept')).toEqual([]);
    expect(idFieldsOf('dead-letter.discard')).toEqual([]);
  });
});

describe('commandKinds', () => {
  const commands = Object.values<CommandDescriptor>(commandKinds);

  it('have a topic if they publish a change', () => {
    for (const { topic, change, rejection } of commands) expect((change ?? rejection) ? topic : 'any').not.toBeNull();
  });

  it('share a reason or a type of change only if they share its definition', () => {
    const definitions = new Map<string, unknown>();
    for (const { change, rejection, refusals } of commands) {
      for (const [name, one] of Object.entries({ ...change, ...rejection?.change, ...refusals })) {
        expect(definitions.get(name) ?? one).toBe(one);
        definitions.set(name, one);
      }
    }
  });
});
