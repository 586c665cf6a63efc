import { z } from 'zod';
import { asyncApiDocument } from './asyncapi.js';
import { isPortablePattern, publishedSchema } from './published-schema.js';

describe('publishedSchema', () => {
  const text = z
    .string()
    .regex(/^[^\p{Cc}]*$/u)
    .regex(/^[^@]*$/);

  it('leaves out a pattern that Python or Go can not read, and keeps the others', () => {
    expect(JSON.stringify(publishedSchema(text, { io: 'input' }))).not.toContain('p{Cc}');
    expect(JSON.stringify(publishedSchema(text, { io: 'input' }))).toContain('[^@]');
  });

  it('closes what is strict, and leaves what is read open', () => {
    const plain = z.object({ id: z.string() });
    const strict = z.strictObject({ id: z.string() });
    expect(publishedSchema(plain, { io: 'output' })).not.toHaveProperty('additionalProperties');
    expect(publishedSchema(strict, { io: 'output' })).toMatchObject({ additionalProperties: false });
    expect(publishedSchema(z.record(z.string(), z.unknown()), { io: 'output' })).toEqual({
      type: 'object',
      additionalProperties: true,
    });
  });

  it('throws instead of an empty schema', () => {
    expect(() => publishedSchema(z.string().transform(Number), { io: 'output' })).toThrow('Transforms');
  });
});

it.each([
  ['^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', true],
  ['^(?:a|b)\\d{1,9}$', true],
  ['^\\p{L}$', false],
  ['^\\u0000$', false],
  ['^(?!a)b$', false],
  ['(?<=a)b', false],
  ['(?<name>a)', false],
])('the pattern %s is portable: %s', (pattern, expected) => {
  expect(isPortablePattern(pattern)).toBe(expected);
});

it('every pattern of the AsyncAPI document is portable, with the flag u and without', () => {
  const patterns = [...JSON.stringify(asyncApiDocument()).matchAll(/"pattern":("(?:\\.|[^"\\])*")/g)].map(
    ([, text = '']) => JSON.parse(text) as string,
  );
  expect(patterns.length).toBeGreaterThan(20);
  for (const pattern of new Set(patterns)) {
    expect([pattern, isPortablePattern(pattern)]).toEqual([pattern, true]);
    expect([new RegExp(pattern), new RegExp(pattern, 'u')]).toHaveLength(2);
  }
});
