import fc from 'fast-check';
import type { z } from 'zod';
import { dateSchema, instantSchema, timestampSchema } from './times.js';

function faultsOf(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];
}

describe('a time of a request', () => {
  it.each([
    ['2026-11-24T06:00:00-06:00', '2026-11-24T12:00:00.000Z'],
    ['2026-11-24T17:30:00+05:30', '2026-11-24T12:00:00.000Z'],
    ['2026-11-24t12:00:00z', '2026-11-24T12:00:00.000Z'],
    ['2026-11-24T12:00:00-00:00', '2026-11-24T12:00:00.000Z'],
    ['2026-11-24T12:00:00.5Z', '2026-11-24T12:00:00.500Z'],
    // PostgreSQL refuses offsets from 16 hours on.
    ['2026-11-25T11:59:00+23:59', '2026-11-24T12:00:00.000Z'],
    ['2026-11-23T12:01:00-23:59', '2026-11-24T12:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['0000-12-31T18:00:00-06:00', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, utc) => {
    expect(instantSchema.parse(text)).toBe(utc);
  });

  it('is rounded up to a millisecond, so that "from" and "before" separate the stored times as the client meant', () => {
    expect(instantSchema.parse('2026-11-24T12:00:00.0001Z')).toBe('2026-11-24T12:00:00.001Z');
    expect(instantSchema.parse('2026-11-24T12:00:00.0010000Z')).toBe('2026-11-24T12:00:00.001Z');
    expect(instantSchema.parse('2026-11-24T12:00:59.9999999999Z')).toBe('2026-11-24T12:01:00.000Z');
  });

  const bounds = 'must be from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z';
  const form = 'must be a time with its offset, such as 2026-11-24T12:00:00Z or 2026-11-24T06:00:00-06:00';
  const day = 'must be a day of the calendar';
  it.each([
    ['0000-01-01T00:00:00Z', bounds],
    ['0001-01-01T00:00:00+00:01', bounds],
    ['9999-12-31T23:59:59-00:01', bounds],
    ['9999-12-31T23:59:59.9999Z', bounds],
    ['2026-02-30T00:00:00Z', day],
    ['2026-11-31T00:00:00+01:00', day],
    ['2026-12-31T23:59:60Z', 'must have a second from 00 to 59: a leap second (60) is not accepted'],
    ['2026-11-24T00:00:00 05:30', 'must have the "+" of its offset written as %2B: a "+" in a URL is a space'],
    ['2026-11-24', form],
    ['2026-11-24T12:00Z', form],
    ['2026-11-24T12:00:00', form],
    ['2026-11-24T24:00:00Z', form],
    ['2026-11-24T12:00:00+24:00', form],
    ['2026-11-24T12:00:00+0530', form],
    ['2026-11-24T12:00:00,5Z', form],
    ['+002026-11-24T12:00:00Z', form],
    ['12026-11-24T12:00:00Z', form],
    ['infinity', form],
    ['', form],
    ['２026-11-24T12:00:00Z', form],
  ])('%j is refused', (text, message) => {
    expect(faultsOf(instantSchema, text)).toEqual([message]);
  });

  it('of any date and offset becomes the same time in UTC', () => {
    const minutes = fc.integer({ min: -1439, max: 1439 });
    const dates = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, minutes, (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const two = (number: number) => String(number).padStart(2, '0');
        const [hours, rest] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
        const text = `${local}${offset < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
        expect(instantSchema.parse(text)).toBe(date.toISOString());
      }),
    );
  });
});

it.each(['0000-01-01', '2026-02-29', '2026-13-01', '2026-1-1', '2026-11-24T00:00:00Z', ''])(
  'the day %j is refused',
  (text) => {
    expect(faultsOf(dateSchema, text)).not.toEqual([]);
  },
);

it('a time in a message is one that the database can store', () => {
  expect(faultsOf(timestampSchema, '2026-11-24T12:00:00.123456789Z')).toEqual([]);
  for (const text of [
    '0000-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    `2026-11-24T12:00:00.${'1'.repeat(200)}Z`,
    '2026-11-24T12:00:00+01:00',
  ]) {
    expect(faultsOf(timestampSchema, text)).not.toEqual([]);
  }
});
