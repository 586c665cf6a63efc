import { process, series, when, type Alarm } from '../alarm.js';

const central = process('central-api:9000');
const statistics = { ...central, consumer: 'statistics' };
const of = (metric: string) => series(metric, statistics);
const mails = (result: string) => series('eco_mails_total', { ...central, result });

/** Alarms of the consumers of events, which are Central's. */
export const consumerAlarms: readonly Alarm[] = [
  {
    name: 'ConsumerStuck',
    ...when({
      what: 'consumers that apply changes',
      metric: 'eco_changes_stuck',
      wrong: 'equal',
      limit: 1,
      remedy: 'read the log of central-api',
    }),
    for: '1m',
    severity: 'warning',
    summary: 'Consumer {{ $labels.consumer }} cannot apply changes',
    runbook: 'statistics-notifications-or-customers-are-stalled',
    fires: { series: { [of('eco_changes_stuck')]: '1x8' }, at: '2m', labels: statistics },
    silent: { series: { [of('eco_changes_stuck')]: '1 1 0x8' }, at: '2m' },
  },
  {
    name: 'ConsumerFallsBehind',
    expr: 'eco_changes_behind_batches > 1000 and deriv(eco_changes_behind_batches[5m]) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Consumer {{ $labels.consumer }} is more than 1,000 batches behind, and the number grows',
    runbook: 'statistics-notifications-or-customers-are-stalled',
    fires: { series: { [of('eco_changes_behind_batches')]: '900+100x40' }, at: '8m', labels: statistics },
    silent: { series: { [of('eco_changes_behind_batches')]: '9000-100x40' }, at: '8m' },
  },
  {
    name: 'ConsumerSetBack',
    expr: 'increase(eco_changes_set_back_total[5m]) > 0',
    severity: 'critical',
    summary: 'A failover lost batches that consumer {{ $labels.consumer }} had applied',
    runbook: 'eco_changes_set_back_total',
    fires: { series: { [of('eco_changes_set_back_total')]: '0x4 1x4' }, at: '2m', labels: statistics },
    silent: { series: { [of('eco_changes_set_back_total')]: '1x8' }, at: '2m' },
  },
  {
    name: 'ConsumerReceivesNoEvents',
    expr: 'eco_subscription_silent_seconds > 30 and on () sum(eco_writer_leader) > 0',
    for: '30s',
    severity: 'warning',
    summary: 'Consumer {{ $labels.consumer }} receives no events, although a writer leads',
    runbook: 'eco_subscription_silent_seconds',
    fires: {
      series: {
        [of('eco_subscription_silent_seconds')]: '40x8',
        [series('eco_writer_leader', { ...process('shard-writer-1:9000'), group: 'g1' })]: '1x8',
      },
      at: '1m',
      labels: statistics,
    },
    silent: {
      series: {
        [of('eco_subscription_silent_seconds')]: '40x8',
        [series('eco_writer_leader', { ...process('shard-writer-1:9000'), group: 'g1' })]: '0x8',
      },
      at: '1m',
    },
  },
  {
    name: 'MailsFail',
    expr: 'increase(eco_mails_total{result="failed"}[10m]) > 0 unless on (job, instance) increase(eco_mails_total{result="sent"}[10m]) > 0',
    severity: 'warning',
    summary: 'No mail has gone out for 10 min, and tries failed',
    runbook: 'no-mail-goes-out',
    fires: {
      series: { [mails('failed')]: '0+1x40', [mails('sent')]: '7x40' },
      at: '5m',
      labels: { ...central, result: 'failed' },
    },
    silent: { series: { [mails('failed')]: '0+1x40', [mails('sent')]: '7+1x40' }, at: '5m' },
  },
  {
    name: 'LogInsSuspicious',
    expr: 'increase(eco_log_ins_total{result=~"limited|reused"}[5m]) > 0',
    severity: 'warning',
    summary: 'Passwords are guessed, or a token was stolen ({{ $labels.result }})',
    runbook: 'eco_log_ins_total',
    fires: {
      series: { [series('eco_log_ins_total', { ...central, result: 'reused' })]: '0x4 1x4' },
      at: '2m',
      labels: { ...central, result: 'reused' },
    },
    silent: { series: { [series('eco_log_ins_total', { ...central, result: 'refused' })]: '0x4 1x4' }, at: '2m' },
  },
];
