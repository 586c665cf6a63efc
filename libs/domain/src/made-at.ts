import { stampMs, type Stamp } from '@eco/contracts';

let second = NaN;
let upToSecond = '';

/**
 * When a command was made, by its sender's clock, ISO 8601: an order is as old as the sale, not as its last relay. The
 * commands of a batch fall into few different seconds, so the last one is remembered: 0.1 µs instead of 0.5.
 */
export function madeAt(stamp: Stamp): string {
  const ms = stampMs(stamp);
  const itsSecond = Math.floor(ms / 1000);
  if (itsSecond !== second) {
    upToSecond = new Date(itsSecond * 1000).toISOString().slice(0, -'000Z'.length);
    second = itsSecond;
  }
  return `${upToSecond}${String(ms % 1000).padStart(3, '0')}Z`;
}
