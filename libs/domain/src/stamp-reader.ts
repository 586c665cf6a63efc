import { stampMs, type Stamp } from '@eco/contracts';

/**
 * Returns a function that converts a stamp into the time it was made, by its sender's clock, ISO 8601: an order is as old
 * as the sale, not as its last relay. The commands of a batch fall into few different seconds, so the function remembers
 * the last one: 0.1 µs instead of 0.5.
 */
export function stampReader(): (stamp: Stamp) => string {
  let second = NaN;
  let upToSecond = '';
  return (stamp) => {
    const ms = stampMs(stamp);
    const itsSecond = Math.floor(ms / 1000);
    if (itsSecond !== second) {
      upToSecond = new Date(itsSecond * 1000).toISOString().slice(0, -'000Z'.length);
      second = itsSecond;
    }
    return `${upToSecond}${String(ms % 1000).padStart(3, '0')}Z`;
  };
}
