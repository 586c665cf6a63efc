import { idempotencyKeySchema, preferWaitSchema, WAIT_SECONDS_MAX } from './request-headers.js';

it.each([
  ['wait=5', 5],
  ['wait=0', 0],
  ['WAIT = 7', 7],
  ['wait="9"', 9],
  ['respond-async, wait=10', 10],
  ['respond-async;foo=1, wait=10; bar="x, wait=1"', 10],
  ['foo="wait=1, x", wait=2', 2],
  ['wait=1, wait=2', 1],
  ['wait=86400', WAIT_SECONDS_MAX],
  ['wait=99999999999', WAIT_SECONDS_MAX],
  [`wait=${'9'.repeat(900)}`, WAIT_SECONDS_MAX],
  ['return=minimal', undefined],
  ['waiting=5', undefined],
  ['', undefined],
])('Prefer: %s waits %s s', (text, seconds) => {
  expect(preferWaitSchema.parse(text)).toBe(seconds);
});

it.each([
  'wait',
  'wait=',
  'wait=soon',
  'wait=-1',
  'wait=1.5',
  'wait="5',
  'wait=1e3',
  'wait=0x5',
  'wait=٣',
  `wait=5, ${'x'.repeat(1000)}`,
])('Prefer: %s is malformed and ignored', (text) => {
  expect(preferWaitSchema.parse(text)).toBeUndefined();
});

it('reads any header in bounded time', () => {
  const began = performance.now();
  for (const text of [
    '"'.repeat(1000),
    '\\"'.repeat(500),
    'wait="' + '\\'.repeat(990),
    ' '.repeat(1000),
    ','.repeat(1000),
  ]) {
    preferWaitSchema.safeParse(text);
  }
  expect(performance.now() - began).toBeLessThan(1000);
});

it.each(['a', 'b8f6d3c2-1', '"quoted"', 'x'.repeat(128)])('accepts the key %s', (key) => {
  expect(idempotencyKeySchema.parse(key)).toBe(key);
});

it.each(['', 'a b', 'a, b', 'ñ', 'x'.repeat(129), 'a\u0000'])('refuses the key %j', (key) => {
  expect(idempotencyKeySchema.safeParse(key).success).toBe(false);
});
