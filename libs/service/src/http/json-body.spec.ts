import fc from 'fast-check';
import { parseJsonBody } from './json-body.js';
import type { ProblemError } from './problem.js';

const JSON_HEADERS = { 'content-type': 'application/json' };
const parse = (text: string) => parseJsonBody(Buffer.from(text), JSON_HEADERS);

function refusalOf(text: string, headers: Record<string, string> = JSON_HEADERS): ProblemError['details'] | undefined {
  try {
    parseJsonBody(Buffer.from(text), headers);
    return undefined;
  } catch (error) {
    return (error as ProblemError).details;
  }
}

it('reads any JSON as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parse(text)).toEqual(JSON.parse(text));
    }),
  );
});

// ASVS 5.0: 1.5.2
it('refuses an object that has a key twice, wherever it is in the body', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
  const around = fc.array(
    fc.constantFrom<(inner: string) => string>(
      (inner) => `[${inner}]`,
      (inner) => `{"k": ${inner}}`,
      (inner) => `["\\":", ${inner}, {}]`,
    ),
  );
  fc.assert(
    fc.property(objects, fc.jsonValue(), around, (object, other, wraps) => {
      const [key = ''] = Object.keys(object);
      const twice = `${JSON.stringify(object).slice(0, -1)}, ${JSON.stringify(key)}: ${JSON.stringify(other)}}`;
      const body = wraps.reduce((inner, wrap) => wrap(inner), twice);
      expect(refusalOf(body)?.detail).toBe('An object of the body has a key twice');
    }),
  );
});

it.each([
  ['keys that are spelled differently', '{"a": 1, "\\u0061": 2}'],
  ['__proto__', '{"__proto__": 1, "__proto__": 2}'],
])('refuses %s twice', (_what, body) => {
  expect(refusalOf(body)?.detail).toBe('An object of the body has a key twice');
});

it('reads a body of 500 kB of nested arrays', () => {
  const deep = 250_000;
  expect(Array.isArray(parse('['.repeat(deep) + ']'.repeat(deep)))).toBe(true);
});

it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
  'reads a body of the type %s',
  (type) => expect(refusalOf('{}', { 'content-type': type })).toBeUndefined(),
);

it.each([
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', 'application/json; charset=latin1'],
  ['content-type', 'application/json; version=2'],
])('refuses a body whose %s is %s', (name, value) => {
  expect(refusalOf('{}', { ...JSON_HEADERS, [name]: value })?.faults).toMatchObject([{ at: `header.${name}` }]);
});

it('refuses another charset also without a body', () => {
  expect(refusalOf('', { 'content-type': 'application/json; charset=utf-16' })?.faults).toHaveLength(1);
  expect(refusalOf('')).toBeUndefined();
});
