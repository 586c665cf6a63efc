import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Consumers } from '@eco/consumers';
import { figuresOf, periodOf, SUMS_OF_FIGURES, todayOf } from '@eco/api/reads';
import { dailyQuerySchema, dailyStatisticsSchema, headers } from '@eco/contracts';
import { CENTRAL_AS_STORED, type Figures } from '@eco/database';
import { respond, Input, operation, Operation, type HttpResponse, type InputOf } from '@eco/service';
import { Reads } from '@eco/reads';
import { answerFrom, CONSUMER_ANSWER_HEADERS, CONSUMER_PROBLEMS, consumerHeadersSchema } from '../consumer-answer.js';
import { statisticsConsumer } from './statistics.consumer.js';

const dailyStatistics = operation({
  summary: 'Registrations and sales by day and branch',
  description:
    'The last 31 days unless `from` and `to` (both included) say otherwise; at most 366 days. Days are those of the chain’s ' +
    'time zone, which the answer names. `sales`, `units` and `revenueCents` are net: gross less cancelled less returned, ' +
    'each on the day on which it happened and at the branch that took the order.',
  query: dailyQuerySchema,
  headers: consumerHeadersSchema,
  answers: {
    200: {
      description: 'By day, then branch',
      body: dailyStatisticsSchema,
      headers: [...CONSUMER_ANSWER_HEADERS, headers.timeZone],
    },
  },
  problems: CONSUMER_PROBLEMS,
});

const DAYS_MAX = 366;

interface DayRow extends Figures {
  day: string;
  branch_id: string;
  registrations: number;
}

const DAYS = `
  SELECT s.day::text AS day, s.branch_id, sum(s.registrations)::float8 AS registrations, ${SUMS_OF_FIGURES}
  FROM statistics.branch_day s
  WHERE s.day BETWEEN $1::date AND $2::date
  GROUP BY s.day, s.branch_id ORDER BY s.day, s.branch_id`;

@ApiTags('statistics')
@Controller('statistics')
export class StatisticsController {
  constructor(
    private readonly consumers: Consumers,
    private readonly reads: Reads,
  ) {}

  @Get('daily')
  @Operation(dailyStatistics)
  async daily(
    @Input(dailyStatistics) { query, headers: asked }: InputOf<typeof dailyStatistics>,
  ): Promise<HttpResponse> {
    const { from, to } = await periodOf(query, DAYS_MAX, () => todayOf(this.reads));
    const { result, headers: read } = await answerFrom(this.consumers, statisticsConsumer, asked, async (manager) => ({
      calendar: await manager.query<{ time_zone: string }[]>('SELECT c.time_zone FROM statistics.calendar c'),
      days: await manager.query<DayRow[]>(DAYS, [from, to]),
    }));
    const timeZone = result.calendar[0]?.time_zone ?? '';
    const items = result.days.map((row) => ({
      day: row.day,
      branchId: row.branch_id === CENTRAL_AS_STORED ? null : row.branch_id,
      registrations: row.registrations,
      ...figuresOf(row),
    }));
    return respond(200, { timeZone, items }, { ...read, [headers.timeZone]: timeZone });
  }
}
