import { limits } from './limits.js';

/** A query of a panel. `legend` may name labels as `{{instance}}`. */
interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** `number` shows the last value, `graph` the course. */
  readonly kind: 'number' | 'graph';
  /** Unit of Grafana: `s`, `bytes`, `ops`, `percentunit`, `short`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Values from this one on are red. */
  readonly red?: number;
  /** Values below this one are red. */
  readonly redBelow?: number;
}

/** The overview: whether the system is healthy, and where it is stuck. Each row follows an order a step further. */
export const boardRows: Readonly<Record<string, readonly Panel[]>> = {
  'Is it healthy?': [
    {
      title: 'Alerts',
      kind: 'number',
      unit: 'short',
      queries: [{ expr: 'count(ALERTS{alertstate="firing", severity!="info"}) or vector(0)', legend: 'firing' }],
      red: 1,
    },
    {
      title: 'Services that respond',
      kind: 'number',
      unit: 'percentunit',
      queries: [{ expr: 'avg(up{job="ecomarket"})', legend: 'share' }],
      redBelow: 1,
    },
    {
      title: 'Leaders by group',
      kind: 'number',
      unit: 'short',
      queries: [{ expr: 'sum by (group) (eco_writer_leader)', legend: '{{group}}' }],
      redBelow: 1,
    },
    {
      title: 'Open dead letters',
      kind: 'number',
      unit: 'short',
      queries: [{ expr: 'sum(eco_writer_dead_letters_open)', legend: 'dead letters' }],
      red: 1,
    },
    {
      title: 'Commands in journals',
      kind: 'number',
      unit: 'short',
      queries: [{ expr: 'sum(eco_journal_commands)', legend: 'commands' }],
      red: 1,
    },
    {
      title: 'Largest lag of a replica',
      kind: 'number',
      unit: 's',
      queries: [{ expr: 'max(eco_read_node_lag_seconds{role="replica"})', legend: 'lag' }],
      red: limits.lagS,
    },
  ],
  'Accepted and decided': [
    {
      title: 'Commands accepted',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (outcome) (rate(eco_publisher_commands_total[1m]))', legend: '{{outcome}}' }],
    },
    {
      title: 'Commands decided',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (answer) (rate(eco_writer_commands_total[1m]))', legend: '{{answer}}' }],
    },
    {
      title: 'Responses by status',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (status) (rate(http_request_duration_seconds_count[1m]))', legend: '{{status}}' }],
    },
    {
      title: 'Duration of requests, p99',
      kind: 'graph',
      unit: 's',
      queries: [
        {
          expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(http_request_duration_seconds_bucket[1m])))',
          legend: '{{instance}}',
        },
      ],
    },
  ],
  'Between the API and the writer': [
    {
      title: 'Brokers’ confirms, p99',
      kind: 'graph',
      unit: 's',
      queries: [
        {
          expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(eco_publisher_confirm_seconds_bucket[1m])))',
          legend: '{{instance}}',
        },
      ],
      red: 1.5,
    },
    {
      title: 'Connections to the brokers',
      kind: 'graph',
      unit: 'short',
      queries: [
        { expr: 'sum by (instance) (eco_broker_connected)', legend: '{{instance}}' },
        { expr: 'sum by (instance) (eco_broker_blocked)', legend: '{{instance}} blocked' },
      ],
    },
    {
      title: 'Commands in journals',
      kind: 'graph',
      unit: 'short',
      queries: [{ expr: 'eco_journal_commands', legend: '{{instance}}' }],
    },
    {
      title: 'Oldest command in a journal',
      kind: 'graph',
      unit: 's',
      queries: [{ expr: 'eco_journal_oldest_seconds', legend: '{{instance}}' }],
      red: limits.journalS,
    },
  ],
  'The writer': [
    {
      title: 'Time of a batch',
      kind: 'graph',
      unit: 's',
      queries: [
        {
          expr: 'sum by (phase) (rate(eco_writer_batch_seconds_sum[1m])) / sum by (phase) (rate(eco_writer_batch_seconds_count[1m]))',
          legend: '{{phase}}',
        },
      ],
    },
    {
      title: 'Commands in a batch',
      kind: 'graph',
      unit: 'short',
      queries: [
        {
          expr: 'sum(rate(eco_writer_batch_commands_sum[1m])) / sum(rate(eco_writer_batch_commands_count[1m]))',
          legend: 'mean',
        },
      ],
    },
    {
      title: 'Wait for the database',
      kind: 'graph',
      unit: 's',
      queries: [{ expr: 'eco_writer_waits_seconds', legend: '{{instance}}' }],
      red: limits.databaseWaitS,
    },
    {
      title: 'Batches that were not stored',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (type) (rate(eco_writer_faults_total[1m]))', legend: '{{type}}' }],
    },
  ],
  'Primary, replicas, reads': [
    {
      title: 'Lag by node',
      kind: 'graph',
      unit: 's',
      queries: [{ expr: 'max by (node) (eco_read_node_lag_seconds)', legend: '{{node}}' }],
      red: limits.lagS,
    },
    {
      title: 'Reads by node and role',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (node, role) (rate(eco_reads_total[1m]))', legend: '{{node}} {{role}}' }],
    },
    {
      title: 'Log that is kept for a replica',
      kind: 'graph',
      unit: 'bytes',
      queries: [{ expr: 'max by (node) (eco_read_node_retained_bytes)', legend: '{{node}}' }],
      red: limits.retainedBytes,
    },
    {
      title: 'Reads that failed',
      kind: 'graph',
      unit: 'ops',
      queries: [{ expr: 'sum by (failure) (rate(eco_read_failures_total[1m]))', legend: '{{failure}}' }],
    },
  ],
  'Branches and consumers': [
    {
      title: 'Silence of a branch',
      kind: 'graph',
      unit: 's',
      queries: [{ expr: 'max by (branch) (eco_writer_branch_silent_seconds)', legend: '{{branch}}' }],
      red: limits.branchSilentS,
    },
    {
      title: 'Units that no record shows',
      kind: 'graph',
      unit: 'short',
      queries: [{ expr: 'max by (branch) (eco_writer_branch_discrepancy_units)', legend: '{{branch}}' }],
      red: 1,
    },
    {
      title: 'Batches that consumers are behind',
      kind: 'graph',
      unit: 'short',
      queries: [{ expr: 'max by (consumer) (eco_changes_behind_batches)', legend: '{{consumer}}' }],
    },
    {
      title: 'Event loop delay, p99',
      kind: 'graph',
      unit: 's',
      queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{job="ecomarket"}', legend: '{{instance}}' }],
    },
  ],
};

/** All queries of the overview. */
export const boardQueries: readonly { readonly panel: string; readonly expr: string }[] = Object.entries(
  boardRows,
).flatMap(([row, panels]) =>
  panels.flatMap(({ title, queries }) => queries.map(({ expr }) => ({ panel: `${row} › ${title}`, expr }))),
);
