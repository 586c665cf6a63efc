import { problem } from '@eco/edge';

const DAY_MS = 86_400_000;
/** Days of a period that says only where it begins or ends, or nothing. */
const DAYS_DEFAULT = 31;

/**
 * The days asked for, both included, as `YYYY-MM-DD` (UTC); the last 31 unless `from` and `to` say otherwise. Throws
 * `bad-input` when they are out of order, or more than `daysMax`.
 */
export function periodOf(
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  daysMax: number,
): { from: string; to: string } {
  const toMs =
    to !== undefined
      ? Date.parse(to)
      : from !== undefined
        ? Date.parse(from) + (DAYS_DEFAULT - 1) * DAY_MS
        : Date.now();
  const fromMs = from !== undefined ? Date.parse(from) : toMs - (DAYS_DEFAULT - 1) * DAY_MS;
  const fault = (message: string) => problem('bad-input', { faults: [{ at: 'query.to', message }] });
  if (toMs < fromMs) throw fault('must not be before from');
  if (toMs - fromMs >= daysMax * DAY_MS) throw fault(`must be at most ${daysMax} days after from`);
  return { from: dayOf(fromMs), to: dayOf(toMs) };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
