import { takeRandomBytes } from './random-bytes.js';

it('never gives the same bytes twice, and leaves those it gave alone', () => {
  const given = Array.from({ length: 2_000 }, () => takeRandomBytes(10));
  const first = Buffer.from(given[0] ?? []).toString('hex');
  const texts = new Set(given.map((bytes) => Buffer.from(bytes).toString('hex')));
  expect(texts.size).toBe(2_000);
  expect(texts.has(first)).toBe(true);
});

it('refuses more than it has', () => {
  expect(() => takeRandomBytes(4097)).toThrow(RangeError);
});
