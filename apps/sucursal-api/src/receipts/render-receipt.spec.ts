import fc from 'fast-check';
import { backOrderSlip, receiptOf, type Receipt } from '@eco/till';
import { plainText } from './receipt-markup.js';
import { receiptEscPos, receiptSvg, receiptText, type PaperStyle } from './render-receipt.js';

const style: PaperStyle = {
  header: ['EcoMarket', 'RFC ECO010101ABC', 'Av. Central 1'],
  language: 'es',
  timeZone: 'America/Mexico_City',
  width: 48,
};
const lines = [
  { productId: 'pan', name: 'Pan Integral', quantity: 2, unitPriceCents: 180, taxBasisPoints: 0 },
  { productId: 'cafe', name: 'Café Premium', quantity: 1, unitPriceCents: 894, taxBasisPoints: 1600 },
];
const sale = {
  receiptNumber: 'A-sucursal-1-2-1-4711',
  branchId: 'sucursal-1',
  till: '2',
  soldAt: '2026-11-29T18:05:00.000Z',
  lines,
  payment: { cashCents: 1_250, cardCents: 0, changeCents: 750, roundingCents: -4 },
  voidedAt: null,
};
const receipt = receiptOf(sale, { isCopy: false });
const named = (name: string): Receipt =>
  receiptOf({ ...sale, lines: lines.map((line) => ({ ...line, name })) }, { isCopy: false });

it('shows lines, tax by rate, rounding and change as text', () => {
  expect(
    receiptText(receipt, style)
      .split('\n')
      .map((line) => line.trimEnd()),
  ).toEqual([
    '               E c o M a r k e t',
    '                RFC ECO010101ABC',
    '                  Av. Central 1',
    '',
    'Ticket A-sucursal-1-2-1-4711',
    'Sucursal sucursal-1, Caja 2',
    '2026-11-29 12:05:00',
    '------------------------------------------------',
    'Pan Integral',
    '  2 x 1.80                                  3.60',
    'Café Premium',
    '  1 x 8.94                                  8.94',
    '------------------------------------------------',
    'Suma                                       12.54',
    'Redondeo                                   -0.04',
    'T O T A L                             1 2 . 5 0',
    'IVA 0 % de 3.60                             0.00',
    'IVA 16 % de 8.94                            1.23',
    '------------------------------------------------',
    'Efectivo                                   20.00',
    'Cambio                                      7.50',
    '',
  ]);
});

it('marks what is void, a copy or a back-order', () => {
  const copy = receiptOf({ ...sale, voidedAt: '2026-11-29T18:06:00.000Z' }, { isCopy: true });
  expect(receiptText(copy, style)).toMatch(/CANCELADO[^]*COPIA[^]*Ticket/);
  const slip = backOrderSlip({
    orderId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
    branchId: 's',
    placedAt: sale.soldAt,
    lines,
  });
  const text = receiptText(slip, { ...style, language: 'en' });
  expect(text).toMatch(/BACK-ORDER[^]*Order 0198c5b2[^]*promises nothing/);
  expect(text).not.toContain('Cash');
});

it('prints accented letters in a code page of the printer', () => {
  const bytes = receiptEscPos(receipt, style);
  // Code page 858 or 1252, in which é is one byte.
  expect(bytes.includes(Buffer.from('Caf', 'latin1'))).toBe(true);
  expect(bytes.includes(Buffer.from('Caf?', 'latin1'))).toBe(false);
});

/** How often each command occurs that does more than print text: reset, cut, drawer, bar code, image, and others. */
const commandsOf = (bytes: Buffer) =>
  [
    '\x1b@',
    '\x1dV',
    '\x1bp',
    '\x1dk',
    '\x1d(k',
    '\x1dv0',
    '\x1d(L',
    '\x1d8L',
    '\x1dr',
    '\x1ba',
    '\x1dL',
    '\x1d!',
    '\n',
  ].map((command) => bytes.toString('latin1').split(command).length - 1);

const hostile = fc.oneof(
  fc
    .array(
      fc.constantFrom(...'\\|{}-=~_"`^;:nx0157cF \u1fef\u0338\u0301<>&\'', 'code:', '\\x1b', '\\n', '{c:1;o:qrcode}'),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
);
const sizeOf = (svg: string) => /^<svg [^>]*>/.exec(svg)?.[0];
const elementsOf = (svg: string) =>
  (svg.match(/<\/?[a-z][^>]*>/gi) ?? [])
    .filter((tag) => !/^<\/?(tspan|text|g)\b/.test(tag))
    .map((tag) => tag.replace(/receipt-[0-9a-f-]+/, ''));

describe('a name', () => {
  it('is printed as it is, whatever it contains', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const expected = name
          .normalize()
          .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ')
          .replace(/^[\t ]+|[\t ]+$/g, '');
        fc.pre(expected.length > 0 && expected.length < 40 && expected === expected.normalize());
        const [printed = ''] = receiptText(named(name), style).split('\n').slice(8);
        expect(printed.replace(/^ +| +$/g, '')).toBe(expected);
      }),
    );
  });

  it('adds no line, command or element', () => {
    const plain = named('x');
    fc.assert(
      fc.property(hostile, (name) => {
        const given = named(name);
        fc.pre(plainText(name).trim() !== '' && name.length < 20);
        expect(receiptText(given, style).split('\n')).toHaveLength(receiptText(plain, style).split('\n').length);
        expect(commandsOf(receiptEscPos(given, style))).toEqual(commandsOf(receiptEscPos(plain, style)));
        const svg = receiptSvg(given, style);
        expect(sizeOf(svg)).toBe(sizeOf(receiptSvg(plain, style)));
        expect(elementsOf(svg)).toEqual(elementsOf(receiptSvg(plain, style)));
      }),
    );
  });
});

it('is an image that refers to no other host', () => {
  const svg = receiptSvg(receipt, style);
  expect(svg).toMatch(/^<svg /);
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|@import|href/);
});
