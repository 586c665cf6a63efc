import fc from 'fast-check';
import { namedCustomerIdSchema, spellingsOf, whyNoCustomerId } from './customer-ids.js';

it.each([
  'ana',
  'guest:Zx-9_',
  'sucursal-1:caja 2',
  'José',
  '日本',
  '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
  '...',
  '.a',
])('%j is a customer id, as it is', (id) => {
  expect(namedCustomerIdSchema.parse(id.normalize('NFC'))).toBe(id.normalize('NFC'));
});

it('two spellings of a name are one id', () => {
  expect(namedCustomerIdSchema.parse('jose\u0301')).toBe('jos\u00e9');
  expect(namedCustomerIdSchema.parse('\u212b')).toBe('\u00c5');
  expect(namedCustomerIdSchema.parse('\u1112\u1161\u11ab')).toBe('\ud55c');
});

it.each([
  ' ana',
  'ana ',
  ' ',
  'ana\u200b',
  'a\u00adna',
  'ana\ufeff',
  'ana\u2060',
  'ana\u200d',
  'ana\ufe0f',
  'ana\u3164',
  'ana\u115f',
  'ana\u2800',
  'ana\u180e',
  'ana\u{e0061}',
  'ana\u00a0maria',
  'ana\u3000maria',
  'ana\u2028',
  'ana\u202e',
  'ana\u2066',
  'ana\u061c',
  'ana\u0000',
  'ana\n',
  'ana\u0085',
  'ana\ud800',
  'ana\ue000',
  'ana\uffff',
  '\u0301ana',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '.%2E',
  '',
  'x'.repeat(129),
  '\u0958'.repeat(100),
])('%j is refused', (id) => {
  expect(whyNoCustomerId(id)).toEqual(expect.any(String));
});

it('an accepted id stays the same, and is accepted, however often it is sent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
      const { data: id } = namedCustomerIdSchema.safeParse(text);
      fc.pre(id !== undefined);
      expect(namedCustomerIdSchema.parse(id)).toBe(id);
      expect(spellingsOf(text)[0]).toBe(id);
      // What a client that follows the WHATWG URL standard sends, and what a server reads.
      const { pathname } = new URL(`http://localhost/customers/${encodeURIComponent(id)}`);
      expect(decodeURIComponent(pathname.slice('/customers/'.length))).toBe(id);
    }),
  );
});

it('what is stored may have the id as given', () => {
  expect(spellingsOf('ana')).toEqual(['ana']);
  expect(spellingsOf('jose\u0301')).toEqual(['jos\u00e9', 'jose\u0301']);
});
