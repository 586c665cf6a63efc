import { hash } from 'node:crypto';

/** How many values `hash12` can take: 0 … 4095. */
export const HASH12_VALUES = 4096;

/**
 * The first 12 bits of MD5 over the key's UTF-8 bytes, 0 … 4095. MD5 because PostgreSQL has it built in:
 * `('x' || substr(md5(key), 1, 3))::bit(12)::int` is the same number. It spreads keys here and guards nothing.
 *
 * A lone surrogate counts as U+FFFD, which is also what a driver would store for it.
 */
export function hash12(key: string): number {
  return Number.parseInt(hash('md5', key, 'hex').slice(0, 3), 16);
}
