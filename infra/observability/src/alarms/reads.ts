import { grew, process, series, when, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const read = process('read-service:9000');
const replica = { ...read, node: 'g1-2', role: 'replica' };
const primary = { ...read, node: 'g1-1', role: 'primary' };
const of = (metric: string) => series(metric, replica);

/** Alarms of reads and of the databases as readers see them. */
export const readAlarms: readonly Alarm[] = [
  {
    name: 'DatabaseNotReachable',
    ...when({
      what: 'databases that readers reach',
      metric: 'eco_read_node_reachable',
      wrong: 'equal',
      limit: 0,
      remedy: 'npx eco status: is the node ready?',
    }),
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: '{{ $labels.instance }} cannot reach database node {{ $labels.node }}',
    runbook: 'eco_read_node_reachable',
    fires: { series: { [of('eco_read_node_reachable')]: '1 0x8' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_reachable')]: '1 0 1x8' }, at: '1m' },
  },
  {
    name: 'ReplicaLags',
    ...when({
      what: 'lag of a replica',
      metric: 'eco_read_node_lag_seconds',
      wrong: 'above',
      limit: limits.lagS,
      unit: 's',
      remedy: 'npm run lag',
    }),
    expr: `eco_read_node_lag_seconds > ${limits.lagS} < +Inf`,
    for: `${limits.absentS}s`,
    severity: 'warning',
    summary: 'Replica {{ $labels.node }} is more than 2 s behind',
    runbook: 'eco_read_node_lag_seconds',
    fires: { series: { [of('eco_read_node_lag_seconds')]: '0 3x8' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_lag_seconds')]: '0 3 0.1x8' }, at: '1m' },
  },
  {
    name: 'LagUnknown',
    expr: 'eco_read_node_lag_seconds == +Inf',
    for: `${limits.absentS}s`,
    severity: 'warning',
    summary:
      '{{ $labels.instance }} has not reached the primary since it started, so it knows no lag of {{ $labels.node }}',
    runbook: 'the-lag-is-unknown',
    fires: { series: { [of('eco_read_node_lag_seconds')]: 'Inf Inf Inf Inf Inf' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_lag_seconds')]: '3x8' }, at: '1m' },
  },
  {
    name: 'NodeRestsOften',
    // It rests for 5 s after each failure: a minute of ten.
    expr: 'avg_over_time(eco_read_node_resting[10m]) > 0.1',
    severity: 'warning',
    summary: 'Database node {{ $labels.node }} fails reads again and again',
    runbook: 'eco_read_node_resting',
    fires: { series: { [of('eco_read_node_resting')]: '0 1 0 1 0 1 0 1 0 1 0x10' }, at: '5m', labels: replica },
    silent: { series: { [of('eco_read_node_resting')]: '0 1 0x18' }, at: '5m' },
  },
  {
    name: 'ReportsQueue',
    // ECO_READ_SLOW_WAITING + 1 is 5: a further report is refused.
    expr: 'eco_read_node_slow_reads >= 4',
    for: '30s',
    severity: 'warning',
    summary: 'Reports wait for each other on {{ $labels.node }} and are about to be refused',
    runbook: 'reports-get-503-too-busy-or-too-slow',
    fires: { series: { [of('eco_read_node_slow_reads')]: '5x8' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_slow_reads')]: '2x8' }, at: '1m' },
  },
  {
    name: 'ReplicaDoesNotFollow',
    ...when({
      what: 'replicas that follow',
      metric: 'eco_read_node_follows',
      wrong: 'equal',
      limit: 0,
      remedy: 'read the log of the replica',
    }),
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: 'The primary sends nothing to replica {{ $labels.node }}',
    runbook: 'a-replica-failed',
    fires: { series: { [of('eco_read_node_follows')]: '0x8' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_follows')]: '0 1x8' }, at: '1m' },
  },
  {
    name: 'ReplicaAboutToBeLost',
    ...when({
      what: 'log that is kept for a replica',
      metric: 'eco_read_node_retained_bytes',
      wrong: 'above',
      limit: limits.retainedBytes,
      unit: 'bytes',
      remedy: 'start the replica before 1 GB is reached',
    }),
    expr: `eco_read_node_retained_bytes > ${limits.retainedBytes} or eco_read_node_lag_bytes > ${limits.retainedBytes}`,
    severity: 'critical',
    summary: 'The primary keeps nearly 1 GB of log for replica {{ $labels.node }} and then gives it up',
    runbook: 'eco_writer_replica_absent_seconds',
    fires: { series: { [of('eco_read_node_retained_bytes')]: '900000000x4' }, at: '1m', labels: replica },
    silent: { series: { [of('eco_read_node_retained_bytes')]: '90000000x4' }, at: '1m' },
  },
  {
    name: 'ReadsCancelledByRecovery',
    expr: 'increase(eco_read_node_conflicts[10m]) > 0',
    severity: 'info',
    summary: 'Recovery cancels reads on {{ $labels.node }}; another node answers them',
    runbook: 'eco_read_node_conflicts',
    fires: { series: { [of('eco_read_node_conflicts')]: '0x8 3x8' }, at: '4m', labels: replica },
    silent: { series: { [of('eco_read_node_conflicts')]: '3x16' }, at: '4m' },
  },
  {
    name: 'PrimaryReadsInstead',
    expr: 'increase(eco_read_primary_instead_total[1m]) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'The replicas of group {{ $labels.group }} are late, so the primary answers reads',
    runbook: 'readers-get-503-not-fresh',
    fires: {
      series: { [series('eco_read_primary_instead_total', { ...read, group: 'g1' })]: '0+5x40' },
      at: '7m',
      labels: { ...read, group: 'g1' },
    },
    silent: { series: { [series('eco_read_primary_instead_total', { ...read, group: 'g1' })]: '0 9x40' }, at: '7m' },
  },
  {
    name: 'ReadsFail',
    expr: grew('eco_read_failures_total{failure=~"no-node|position-lost"}'),
    severity: 'critical',
    summary: 'Reads of group {{ $labels.group }} fail: {{ $labels.failure }}',
    runbook: 'eco_read_failures_total',
    fires: {
      series: {
        [series('up', read)]: '1x40',
        [series('eco_read_failures_total', { ...read, group: 'g1', failure: 'no-node' })]: '_x30 2x10',
      },
      at: '9m',
      labels: { ...read, group: 'g1', failure: 'no-node' },
    },
    silent: {
      series: {
        [series('up', read)]: '1x40',
        [series('eco_read_failures_total', { ...read, group: 'g1', failure: 'not-fresh' })]: '_x30 2x10',
      },
      at: '9m',
    },
  },
  {
    name: 'ReportsFail',
    expr: grew('eco_read_failures_total{failure=~"too-busy|too-slow"}'),
    severity: 'info',
    summary: 'Reports of group {{ $labels.group }} are refused or given up: {{ $labels.failure }}',
    runbook: 'eco_read_failures_total',
    fires: {
      series: { [series('eco_read_failures_total', { ...read, group: 'g1', failure: 'too-busy' })]: '1 1 2x10' },
      at: '2m',
      labels: { ...read, group: 'g1', failure: 'too-busy' },
    },
    silent: {
      series: { [series('eco_read_failures_total', { ...read, group: 'g1', failure: 'too-busy' })]: '2x12' },
      at: '2m',
    },
  },
  {
    name: 'PrimaryAnswersMostReads',
    expr: 'sum(rate(eco_reads_total{role="primary"}[5m])) / sum(rate(eco_reads_total[5m])) > 0.5',
    for: '10m',
    severity: 'warning',
    summary: 'The primary answers more than half of all reads',
    runbook: 'reads-come-from-the-primary',
    fires: {
      series: {
        [series('eco_reads_total', primary)]: '0+90x80',
        [series('eco_reads_total', replica)]: '0+10x80',
      },
      at: '16m',
      labels: {},
    },
    silent: {
      series: {
        [series('eco_reads_total', primary)]: '0+10x80',
        [series('eco_reads_total', replica)]: '0+90x80',
      },
      at: '16m',
    },
  },
];
