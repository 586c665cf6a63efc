import { z } from 'zod';

/**
 * Area and city, or UTC. Short names such as CET are refused: PostgreSQL reads some of them as a fixed offset, although
 * the zone of that name has daylight-saving time.
 */
function isTimeZone(name: string): boolean {
  if (name !== 'UTC' && !name.includes('/')) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const timeZoneSchema = z
  .string()
  .refine(isTimeZone, 'must be a time zone of the IANA database, such as America/Mexico_City, or UTC')
  .meta({ description: 'IANA time zone of the chain’s days', examples: ['America/Mexico_City'] });

/** Bounds of times. Before them PostgreSQL has no year, and after them RFC 3339 has none. */
const FIRST_INSTANT = '0001-01-01T00:00:00Z';
const LAST_INSTANT = '9999-12-31T23:59:59.999Z';
const INSTANT_BOUNDS = { firstMs: Date.parse(FIRST_INSTANT), lastMs: Date.parse(LAST_INSTANT) };

const DATE = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const CLOCK = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d`;
/** Digits of a fraction that PostgreSQL reads; it keeps six. */
const STORED_FRACTION = String.raw`(?:\.\d{1,9})?`;
const OFFSET = String.raw`(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;

/** Whether the month has the day of this date, and the year is not 0. */
function isDay(text: string): boolean {
  const date = text.slice(0, 10);
  const ms = Date.parse(`${date}T00:00:00Z`);
  return ms >= INSTANT_BOUNDS.firstMs && new Date(ms).toISOString().startsWith(date);
}

/** A time in messages and responses. */
export const timestampSchema = z
  .string()
  .regex(new RegExp(`^${DATE}T${CLOCK}${STORED_FRACTION}Z$`), {
    error: 'must be a time in UTC, such as 2026-11-24T12:00:00.000Z',
    abort: true,
  })
  .refine(isDay, 'must be a day of the calendar, from 0001-01-01 to 9999-12-31')
  .meta({ format: 'date-time', description: 'RFC 3339, UTC', examples: ['2026-11-24T12:00:00.000Z'] });

const INSTANT = new RegExp(`^${DATE}[Tt]${CLOCK}(?:\\.\\d{1,100})?${OFFSET}$`);
const LEAP_SECOND = /^[^.+Zz]{17}60/;
const OFFSET_AFTER_SPACE = /T.* \d\d:\d\d$/i;

/** Why a text is no `date-time` of RFC 3339. */
function notAnInstant(text: string): string {
  if (OFFSET_AFTER_SPACE.test(text)) return 'must have the "+" of its offset written as %2B: a "+" in a URL is a space';
  if (LEAP_SECOND.test(text)) return 'must have a second from 00 to 59: a leap second (60) is not accepted';
  return 'must be a time with its offset, such as 2026-11-24T12:00:00Z or 2026-11-24T06:00:00-06:00';
}

/**
 * A time of a request, with any offset. The output is in UTC with milliseconds, because PostgreSQL refuses offsets from
 * 16 hours on. A finer fraction is rounded up. Times of orders and sales have milliseconds, so "from" and "before" keep their meaning.
 */
export const instantSchema = z
  .string()
  .transform((text, context): string => {
    if (!INSTANT.test(text)) {
      context.addIssue(notAnInstant(text));
      return z.NEVER;
    }
    if (!isDay(text) && !text.startsWith('0000')) {
      context.addIssue('must be a day of the calendar');
      return z.NEVER;
    }
    const [, second = '', fraction = '', offset = ''] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(text.toUpperCase()) ?? [];
    const ms = Date.parse(`${second}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`);
    const upwardsMs = ms + (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
    if (upwardsMs < INSTANT_BOUNDS.firstMs || upwardsMs > INSTANT_BOUNDS.lastMs) {
      context.addIssue(`must be from ${FIRST_INSTANT} to ${LAST_INSTANT}`);
      return z.NEVER;
    }
    return new Date(upwardsMs).toISOString();
  })
  .meta({
    type: 'string',
    format: 'date-time',
    description: 'RFC 3339, with any offset',
    examples: ['2026-11-24T06:00:00-06:00'],
  });

export const dateSchema = z
  .string()
  .regex(new RegExp(`^${DATE}$`), { error: 'must be a date, such as 2026-11-24', abort: true })
  .refine(isDay, 'must be a day of the calendar, from 0001-01-01 to 9999-12-31')
  .meta({ format: 'date', description: 'A day of the chain’s time zone', examples: ['2026-11-24'] });
