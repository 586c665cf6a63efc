import { problem } from '@eco/service';

const DAY_MS = 86_400_000;
/** Length in days of a period without a start or an end. */
const DAYS_DEFAULT = 31;

export interface Period {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The requested days, both included, as `YYYY-MM-DD`; by default the last 31. `today` is queried only if neither is
 * given, because it depends on the chain's time zone. Throws `bad-input` if they are out of order, or more than
 * `daysMax`.
 */
export async function periodOf(
  { from, to }: Period,
  daysMax: number,
  today: () => Promise<string>,
): Promise<{ from: string; to: string }> {
  const toMs =
    to !== undefined
      ? Date.parse(to)
      : from !== undefined
        ? Date.parse(from) + (DAYS_DEFAULT - 1) * DAY_MS
        : Date.parse(await today());
  const fromMs = from !== undefined ? Date.parse(from) : toMs - (DAYS_DEFAULT - 1) * DAY_MS;
  const violation = (message: string) => problem('bad-input', { faults: [{ at: 'query.to', message }] });
  if (toMs < fromMs) throw violation('must not be before from');
  if (toMs - fromMs >= daysMax * DAY_MS) throw violation(`must be at most ${daysMax} days after from`);
  return { from: dayOf(fromMs), to: dayOf(toMs) };
}

/** Days are counted in UTC, where all have 24 hours. PostgreSQL has no year before 1, ISO 8601 none after 9999. */
function dayOf(ms: number): string {
  const day = new Date(Math.min(Math.max(ms, FIRST_MS), LAST_MS)).toISOString();
  return day.slice(0, 10);
}

const FIRST_MS = Date.parse('0001-01-01');
const LAST_MS = Date.parse('9999-12-31');
