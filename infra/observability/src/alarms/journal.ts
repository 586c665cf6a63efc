import { process, series, when, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const central = process('central-api:9000');
const of = (metric: string) => series(metric, central);

/** Alarms of the journals, in which an API keeps commands that no broker confirms. */
export const journalAlarms: readonly Alarm[] = [
  {
    name: 'JournalNotEmpty',
    ...when({
      what: 'oldest command in a journal',
      metric: 'eco_journal_oldest_seconds',
      wrong: 'above',
      limit: limits.journalS,
      unit: 's',
      remedy: 'npx eco status: do the brokers confirm?',
    }),
    severity: 'critical',
    summary: 'Commands have waited in the journal of {{ $labels.instance }} for more than a minute',
    runbook: 'orders-are-answered-202-with-ecomarket-durability-local',
    fires: { series: { [of('eco_journal_oldest_seconds')]: '0+15x8' }, at: '90s', labels: central },
    silent: { series: { [of('eco_journal_oldest_seconds')]: '5x8' }, at: '90s' },
  },
  {
    name: 'JournalHalfFull',
    expr: `eco_journal_bytes > ${limits.full} * eco_journal_limit_bytes`,
    severity: 'critical',
    summary: 'The journal of {{ $labels.instance }} is half full; orders are refused when it is full',
    runbook: 'orders-are-answered-202-with-ecomarket-durability-local',
    fires: {
      series: { [of('eco_journal_bytes')]: '60x4', [of('eco_journal_limit_bytes')]: '100x4' },
      at: '1m',
      labels: central,
    },
    silent: {
      series: { [of('eco_journal_bytes')]: '40x4', [of('eco_journal_limit_bytes')]: '100x4' },
      at: '1m',
    },
  },
  {
    name: 'JournalCommandsParked',
    ...when({
      what: 'parked commands of a journal',
      metric: 'eco_journal_set_aside_commands',
      wrong: 'above',
      limit: 0,
      remedy: 'npx eco journal',
    }),
    severity: 'warning',
    summary: 'A broker refused commands of the journal of {{ $labels.instance }}',
    runbook: 'eco_journal_set_aside_commands-eco_journal_waiting_heads',
    fires: { series: { [of('eco_journal_set_aside_commands')]: '1x4' }, at: '1m', labels: central },
    silent: { series: { [of('eco_journal_set_aside_commands')]: '0x4' }, at: '1m' },
  },
  {
    name: 'JournalHeadWaits',
    ...when({
      what: 'lanes of a journal that wait for a queue',
      metric: 'eco_journal_waiting_heads',
      wrong: 'above',
      limit: 0,
      remedy: 'npm start declares the missing queue',
    }),
    severity: 'warning',
    summary: 'No queue takes the next command of the journal of {{ $labels.instance }}',
    runbook: 'eco_journal_set_aside_commands-eco_journal_waiting_heads',
    fires: { series: { [of('eco_journal_waiting_heads')]: '1x4' }, at: '1m', labels: central },
    silent: { series: { [of('eco_journal_waiting_heads')]: '0x4' }, at: '1m' },
  },
  {
    name: 'JournalRefuses',
    expr: 'increase(eco_journal_failed_total[5m]) > 0 or increase(eco_journal_full_total[5m]) > 0',
    severity: 'critical',
    summary: 'The journal of {{ $labels.instance }} refuses commands: it is full, or its disk is full or fails',
    runbook: 'a-disk-is-full-or-fails',
    fires: {
      series: { [of('eco_journal_failed_total')]: '0x20', [of('eco_journal_full_total')]: '0x8 4x12' },
      at: '4m',
      labels: central,
    },
    silent: {
      series: { [of('eco_journal_failed_total')]: '0x20', [of('eco_journal_full_total')]: '4x20' },
      at: '4m',
    },
  },
  {
    name: 'JournalShareUsed',
    expr: 'increase(eco_journal_over_share_total[5m]) > 0',
    severity: 'warning',
    summary: 'One client fills its share of the journal of {{ $labels.instance }}',
    runbook: 'orders-are-answered-503',
    fires: { series: { [of('eco_journal_over_share_total')]: '0x8 4x12' }, at: '4m', labels: central },
    silent: { series: { [of('eco_journal_over_share_total')]: '4x20' }, at: '4m' },
  },
];
