import { hash } from 'node:crypto';

/**
 * The first 12 bits of MD5 over the key's UTF-8 bytes, 0 … 4095. MD5 is used because PostgreSQL has it built in:
 * `('x' || substr(md5(key), 1, 3))::bit(12)::int` is the same number. The hash only distributes keys; it need not be
 * secure. A lone surrogate counts as U+FFFD, as a driver would also store it.
 */
export function hash12(key: string): number {
  return Number.parseInt(hash('md5', key, 'hex').slice(0, 3), 16);
}
