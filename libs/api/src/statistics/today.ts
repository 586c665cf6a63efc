import { query, type Reads } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { answered } from '../http/read-answer.js';

const todayQuery = query<never, { today: string }>({
  name: 'today',
  rows: 'SELECT WHERE false',
  extra: `(SELECT (clock_timestamp() AT TIME ZONE c.time_zone)::date::text FROM statistics.calendar c) AS today`,
});

/** The current day in the chain's time zone, by the clock of a node of the group that keeps the statistics. */
export async function todayOf(reads: Reads): Promise<string> {
  const [home = ''] = reads.groupIds;
  const read = await reads.ofGroup(home, todayQuery, [], { position: NO_POSITION, waitMs: 0 });
  return answered(read).extra.today;
}
