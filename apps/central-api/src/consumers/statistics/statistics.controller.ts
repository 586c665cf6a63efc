import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  figuresOf,
  periodOf,
  READ_ANSWER_HEADERS,
  READ_PROBLEMS,
  readHeadersSchema,
  readsStatistics,
  readOptionsOf,
  SUMS_OF_FIGURES,
  todayOf,
} from '@eco/api/reads';
import { reachesObject } from '@eco/access';
import { dailyQuerySchema, dailyStatisticsSchema, headers } from '@eco/contracts';
import { CENTRAL_AS_STORED, type Figures } from '@eco/database';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { onReplicas, progressOf, query, readConsumer, Reads, type WithProgress } from '@eco/reads';
import { answered } from '../consumer-answer.js';
import { statisticsConsumer } from './statistics.consumer.js';

const dailyStatistics = operation({
  id: 'listDailyStatistics',
  summary: 'Registrations and sales by day and branch',
  description:
    'The last 31 days unless `from` and `to` (both included) say otherwise; at most 366 days. Days are those of the chain’s ' +
    'time zone, which the answer names. `sales`, `units` and `revenueCents` are net: gross less cancelled less returned, ' +
    'each on the day on which it happened and at the branch that took the order.',
  access: readsStatistics,
  query: dailyQuerySchema,
  headers: readHeadersSchema,
  answers: {
    200: {
      description: 'By day, then branch',
      body: dailyStatisticsSchema,
      headers: [...READ_ANSWER_HEADERS, headers.timeZone],
    },
  },
  problems: [...READ_PROBLEMS],
});

const DAYS_MAX = 366;

interface DayRow extends Figures {
  day: string;
  branch_id: string;
  registrations: number;
}

/** $1 and $2 first and last day. Uses the primary key of statistics.branch_day. */
const daysQuery = query<DayRow, WithProgress & { time_zone: string }>({
  name: 'statistics-by-day',
  rows: `
    SELECT s.day::text AS day, s.branch_id, sum(s.registrations)::float8 AS registrations, ${SUMS_OF_FIGURES}
    FROM statistics.branch_day s
    WHERE s.day BETWEEN $1::date AND $2::date
    GROUP BY s.day, s.branch_id`,
  order: 'r.day, r.branch_id',
  extra: `${progressOf('statistics', 'statistics')}, (SELECT c.time_zone FROM statistics.calendar c) AS time_zone`,
});

@ApiTags('statistics')
@Controller('statistics')
export class StatisticsController {
  constructor(private readonly reads: Reads) {}

  @Get('daily')
  @Operation(dailyStatistics)
  async daily(
    @Input(dailyStatistics) { query: asked, headers: sent, caller }: InputOf<typeof dailyStatistics>,
  ): Promise<HttpResponse> {
    const { from, to } = await periodOf(asked, DAYS_MAX, () => todayOf(this.reads));
    const options = readOptionsOf(sent);
    const read = () => onReplicas(this.reads, daysQuery, [from, to], options);
    const { result, headers: answer } = answered(
      await readConsumer(this.reads, statisticsConsumer.topics, read, options),
    );
    const { time_zone: timeZone } = result.extra;
    const rows = result.rows.map((row) => ({
      day: row.day,
      branchId: row.branch_id === CENTRAL_AS_STORED ? null : row.branch_id,
      registrations: row.registrations,
      ...figuresOf(row),
    }));
    const items = rows.filter(({ branchId }) => reachesObject(caller, { branchIds: [branchId] }));
    return respond(200, { timeZone, items }, { ...answer, [headers.timeZone]: timeZone });
  }
}
