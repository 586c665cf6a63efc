import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from './bigint.js';
import { Progress } from './progress.js';

/** Branch id under which statistics count what came in at Central: a key can't hold a null. */
export const CENTRAL_BRANCH = '';

/** One day (UTC) at one branch. */
@Entity({ schema: 'statistics', name: 'daily' })
export class DailyStatistics {
  /** Such as `2026-11-24`. */
  @PrimaryColumn('date')
  day!: string;

  /** `CENTRAL_BRANCH`: Central. */
  @PrimaryColumn('text', { name: 'branch_id' })
  branchId!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  registrations!: number;

  /** Confirmed orders. */
  @Column('bigint', { transformer: bigintAsNumber })
  sales!: number;

  @Column('bigint', { transformer: bigintAsNumber })
  units!: number;

  @Column('bigint', { name: 'revenue_cents', transformer: bigintAsNumber })
  revenueCents!: number;
}

@Entity({ schema: 'statistics', name: 'progress' })
export class StatisticsProgress extends Progress {}
