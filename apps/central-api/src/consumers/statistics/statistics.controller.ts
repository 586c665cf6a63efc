import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { dailyQuerySchema, dailyStatisticsSchema } from '@eco/contracts';
import { CENTRAL_BRANCH, DailyStatistics } from '@eco/database';
import { answer, Input, operation, Operation, type Answer, type InputOf } from '@eco/edge';
import { periodOf, Reads } from '@eco/reads';
import { CONSUMER_ANSWER_HEADERS, CONSUMER_PROBLEMS, consumerHeadersSchema, readConsumer } from '../consumer-answer.js';
import { StatisticsStore } from '../stores.js';
import { statisticsConsumer } from './statistics.consumer.js';

const dailyStatistics = operation({
  summary: 'Registrations and sales by day (UTC) and branch',
  description: 'The last 31 days unless `from` and `to` (both included) say otherwise; at most 366 days.',
  query: dailyQuerySchema,
  headers: consumerHeadersSchema,
  answers: {
    200: { description: 'By day, then branch', body: dailyStatisticsSchema, headers: CONSUMER_ANSWER_HEADERS },
  },
  problems: CONSUMER_PROBLEMS,
});

const DAYS_MAX = 366;

@ApiTags('statistics')
@Controller('statistics')
export class StatisticsController {
  constructor(
    private readonly store: StatisticsStore,
    private readonly reads: Reads,
  ) {}

  @Get('daily')
  @Operation(dailyStatistics)
  async daily(@Input(dailyStatistics) { query, headers: asked }: InputOf<typeof dailyStatistics>): Promise<Answer> {
    const { from, to } = periodOf(query, DAYS_MAX);
    const { result, headers } = await readConsumer(
      { store: this.store, consumer: statisticsConsumer, reads: this.reads, headers: asked },
      (manager) =>
        manager
          .createQueryBuilder(DailyStatistics, 'd')
          .where('d.day BETWEEN :from AND :to', { from, to })
          .orderBy('d.day')
          .addOrderBy('d.branchId')
          .getMany(),
    );
    const items = result.map(({ branchId, ...day }) => ({
      ...day,
      branchId: branchId === CENTRAL_BRANCH ? null : branchId,
    }));
    return answer(200, { items }, headers);
  }
}
