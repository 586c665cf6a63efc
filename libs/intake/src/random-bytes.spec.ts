import { takeRandomBytes } from './random-bytes.js';

it('never returns the same bytes twice, and never changes returned bytes', () => {
  const given = Array.from({ length: 2_000 }, () => takeRandomBytes(10));
  const first = Buffer.from(given[0] ?? []).toString('hex');
  const texts = new Set(given.map((bytes) => Buffer.from(bytes).toString('hex')));
  expect(texts.size).toBe(2_000);
  expect(texts.has(first)).toBe(true);
});

it('refuses more than its limit', () => {
  expect(() => takeRandomBytes(4097)).toThrow(RangeError);
});
