import fc from 'fast-check';
import { z } from 'zod';
import { customerSchema, orderSchema, productSchema, salesRowSchema, stockLevelSchema } from '@eco/contracts';
import { columnsOf, csvHeader, csvRows } from './csv.js';

const csvOf = (schema: z.ZodObject, rows: readonly unknown[]) =>
  csvHeader(columnsOf(schema)) + csvRows(rows, columnsOf(schema));
const row = z.object({ name: z.string().nullable(), n: z.number() });

/** Reads CSV as a spreadsheet with this separator does. An empty cell without quotes is null. */
function parse(text: string, separator = ','): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let line: (string | null)[] = [];
  const cell = new RegExp(`"((?:[^"]|"")*)"|([^${separator}\\r]*)`, 'y');
  for (let at = 0; at < text.length;) {
    cell.lastIndex = at;
    const [whole = '', quoted, plain = ''] = cell.exec(text) ?? [];
    line.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain === '' ? null : plain);
    at += whole.length;
    if (text.startsWith('\r\n', at)) {
      rows.push(line);
      line = [];
      at += 2;
    } else at += 1;
  }
  return rows;
}

const STARTS_FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

describe('rows as CSV', () => {
  const texts = fc.option(fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '=', '-', '\n', '\r', 'é', ' ') }));

  // ASVS 5.0: 1.1.2
  it('read back unchanged, whatever the texts contain, except for apostrophes before formulas', () => {
    fc.assert(
      fc.property(fc.array(texts), (names) => {
        const text = csvOf(
          row,
          names.map((name) => ({ name, n: -1 })),
        );
        const rows = parse(text);
        expect(rows[0]).toEqual(['name', 'n']);
        expect(rows.slice(1).map(([name]) => name?.replaceAll("'", '') ?? null)).toEqual(names);
      }),
    );
  });

  it('contain no formula that a spreadsheet would run, with comma, semicolon or either as separator', () => {
    fc.assert(
      fc.property(texts, (name) => {
        const text = csvRows([{ name, n: 5 }], columnsOf(row));
        for (const separator of [',', ';', ',;']) {
          for (const cell of parse(text, separator).flat()) expect(cell ?? '').not.toMatch(STARTS_FORMULA);
        }
        // Splits a line like a reader that ignores quotes.
        for (const piece of text.split(/[,;\r\n]/)) expect(piece.replaceAll('"', '')).not.toMatch(STARTS_FORMULA);
      }),
    );
  });

  it('contain no formula after spaces, after invisible characters, or in characters that normalisation changes', () => {
    const starts = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter((character) =>
      /^[=+\-@]/.test(character.normalize('NFKC')),
    );
    expect(starts).toContain('＝');
    const invisible = fc.array(fc.constantFrom(' ', '\u00a0', '\u200b', '\u2003', '\u2060', '\ufeff', '"'));
    fc.assert(
      fc.property(fc.constantFrom('', 'a;', 'a,'), invisible, fc.constantFrom(...starts), (before, blanks, start) => {
        const [[name] = []] = parse(csvRows([{ name: `${before}${blanks.join('')}${start}1`, n: 1 }], columnsOf(row)));
        expect(name?.startsWith(`${before}'`)).toBe(true);
      }),
    );
  });

  it('keep a text with a comma or semicolon in one cell, and numbers unquoted', () => {
    const text = csvOf(row, [{ name: 'Café; 1,5 kg', n: -12 }]);
    expect(text).toBe('name,n\r\n"Café; 1,5 kg",-12\r\n');
    expect(parse(text, ',;')[1]).toEqual(['Café; 1,5 kg', '-12']);
    expect(csvRows([{ name: '=HYPERLINK("x")', n: 1 }], columnsOf(row))).toBe('"\'=HYPERLINK(""x"")",1\r\n');
    expect(csvRows([{ name: 'x;=1', n: 1 }], columnsOf(row))).toBe('"x;\'=1",1\r\n');
  });

  it('have each member of an object in its own column, and a list as JSON', () => {
    const schema = z.object({ gross: z.object({ units: z.number() }), lines: z.array(z.object({ name: z.string() })) });
    const text = csvOf(schema, [{ gross: { units: 3 }, lines: [{ name: 'a;=b' }] }]);
    const [header, cells] = parse(text, ',;');
    expect(header).toEqual(['grossUnits', 'lines']);
    expect(cells?.[0]).toBe('3');
    expect(JSON.parse(cells?.[1] ?? '')).toEqual([{ name: 'a;=b' }]);
  });

  const schemas = { orderSchema, productSchema, stockLevelSchema, customerSchema, salesRowSchema };
  it.each(Object.entries(schemas))('of %s contain everything that its JSON contains', (_name, schema) => {
    const leaves = (of: z.ZodObject): number =>
      Object.values(of.shape as Record<string, z.ZodType>).reduce(
        (sum, type) => sum + (type instanceof z.ZodObject ? leaves(type) : 1),
        0,
      );
    const names = columnsOf(schema).map(({ name }) => name);
    expect(new Set(names).size).toBe(leaves(schema));
    expect(columnsOf(orderSchema).map(({ name }) => name)).toEqual(Object.keys(orderSchema.shape));
  });
});
