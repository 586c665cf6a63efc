import { z } from 'zod';
import { pageQuerySchema, placeOrderRequestSchema, registerCustomerRequestSchema, topicSchema } from '@eco/contracts';
import { violationsOf, type InputPart } from './violations.js';

function faults(schema: z.ZodType, input: unknown, part: InputPart = 'body'): Record<string, string> {
  const read = schema.safeParse(input);
  if (read.success) return {};
  return Object.fromEntries(violationsOf(read.error, part, input).map(({ at, message }) => [at, message]));
}

const line = (fields: object) => ({ customerId: 'ana', lines: [{ productId: 'cafe', quantity: 1, ...fields }] });

it('points at each violation in a body', () => {
  const body = { customerId: 5, lines: [{ productId: 'a b', quantity: 0 }, 'x', { quantity: '2' }], 'a/b~c': 1 };
  expect(faults(placeOrderRequestSchema, body)).toEqual({
    '/customerId': 'must be a string, not 5',
    '/lines/0/productId': 'must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit',
    '/lines/0/quantity': 'must be at least 1',
    '/lines/1': 'must be an object, not "x"',
    '/lines/2/productId': 'is missing',
    '/lines/2/quantity': 'must be a number, not "2"',
    '/a~1b~0c': 'is not a field here',
  });
});

it.each([
  [0, 'must be at least 1'],
  [-3, 'must be at least 1'],
  [1.5, 'must be a whole number'],
  [10_001, 'must be at most 10000'],
  [1e300, 'must be at most 10000'],
  [null, 'must be a number, not null'],
  [true, 'must be a number, not true'],
  [[1], 'must be a number, not an array'],
  [{}, 'must be a number, not an object'],
  ['x'.repeat(1000), 'must be a number, not a string'],
])('states the violation of the quantity %j once', (quantity, message) => {
  expect(faults(placeOrderRequestSchema, line({ quantity }))).toEqual({ '/lines/0/quantity': message });
});

it('states a violation of the body as a whole', () => {
  expect(faults(placeOrderRequestSchema, undefined)).toEqual({ '': 'the body is missing' });
  expect(faults(placeOrderRequestSchema, [])).toEqual({ '': 'the body must be an object, not an array' });
});

it('names every unknown field', () => {
  const customer = { name: 'Ana', email: 'ana@example.com', role: 'admin', id: 1 };
  expect(faults(registerCustomerRequestSchema, customer)).toEqual({
    '/role': 'is not a field here',
    '/id': 'is not a field here',
  });
  const polluting: unknown = JSON.parse('{"name":"Ana","email":"ana@example.com","__proto__":{"admin":true}}');
  expect(faults(registerCustomerRequestSchema, polluting)).toEqual({ '/__proto__': 'is not a field here' });
});

it('names the part of violations outside the body', () => {
  expect(faults(z.object({ topic: topicSchema }), { topic: 'weather' }, 'query')).toEqual({
    'query.topic': 'must be one of orders, stock, products, customers, carts, sales, quotas, not "weather"',
  });
});

it('states that a number is too far from 0 if the field has no limit', () => {
  expect(faults(z.int(), 1e300)).toEqual({ '': 'the body is too far from 0 to be exact' });
});

it.each([
  [
    'an unknown value',
    z.object({ copy: z.enum(['true', 'false']) }),
    { copy: 'yes' },
    'must be one of true, false, not "yes"',
  ],
  ['a missing value', z.object({ copy: z.enum(['true', 'false']) }), {}, 'is missing: must be one of true, false'],
  ['another constant', z.object({ copy: z.literal(1) }), { copy: 2 }, 'must be 1, not 2'],
  ['too long a text', z.object({ copy: z.string().max(3) }), { copy: 'four' }, 'must have at most 3 characters'],
  ['too few entries', z.object({ copy: z.array(z.int()).min(2) }), { copy: [1] }, 'must have at least 2 entries'],
  ['too great a number', z.object({ copy: z.number().max(3) }), { copy: 4 }, 'must be at most 3'],
  [
    'none of the alternatives',
    z.object({ copy: z.union([z.literal('a'), z.iso.date()]) }),
    { copy: 9 },
    'must be a, or must be a string',
  ],
  [
    'an unknown discriminator',
    z.object({
      copy: z.discriminatedUnion('type', [z.object({ type: z.literal('a') }), z.object({ type: z.literal('b') })]),
    }),
    { copy: { type: 'c' } },
    'must be one of a, b',
  ],
])('names what is allowed instead of %s', (_what, schema, input, message) => {
  expect(Object.values(faults(schema, input))).toEqual([message]);
});

it('states that a parameter of the query is given twice', () => {
  expect(faults(pageQuerySchema, { limit: ['1', '2'] }, 'query')).toEqual({ 'query.limit': 'must be given only once' });
});
