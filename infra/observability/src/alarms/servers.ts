import { series, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const broker = { job: 'rabbitmq', instance: 'broker-1' };
const database = { job: 'postgres', instance: 'g1-1' };

/** Half of what a queue may hold (2,000,000 messages); then it refuses. */
const QUEUED_MAX = 1_000_000;

/** Alarms of the servers' own metrics: of the brokers by their plugin, of the databases by the public exporter. */
export const serverAlarms: readonly Alarm[] = [
  {
    name: 'BrokerDown',
    expr: 'up{job="rabbitmq"} == 0',
    for: `${limits.absentS}s`,
    severity: 'warning',
    summary: '{{ $labels.instance }} does not respond: one more loss may leave no majority',
    runbook: 'one-broker-failed',
    fires: { series: { [series('up', broker)]: '1 0x8' }, at: '1m', labels: broker },
    silent: { series: { [series('up', broker)]: '1 0 1x8' }, at: '1m' },
  },
  {
    name: 'BrokerShortOfResources',
    expr: 'rabbitmq_alarms_memory_used_watermark == 1 or rabbitmq_alarms_free_disk_space_watermark == 1',
    severity: 'critical',
    summary: '{{ $labels.instance }} is short of memory or disk, and blocks all publishers',
    runbook: 'a-disk-is-full-or-fails',
    fires: {
      series: {
        [series('rabbitmq_alarms_memory_used_watermark', broker)]: '0x8',
        [series('rabbitmq_alarms_free_disk_space_watermark', broker)]: '1x8',
      },
      at: '1m',
      labels: broker,
    },
    silent: {
      series: {
        [series('rabbitmq_alarms_memory_used_watermark', broker)]: '0x8',
        [series('rabbitmq_alarms_free_disk_space_watermark', broker)]: '0x8',
      },
      at: '1m',
    },
  },
  {
    name: 'QueuesLong',
    expr: `sum by (job) (rabbitmq_queue_messages) > ${QUEUED_MAX}`,
    for: '1m',
    severity: 'warning',
    summary: 'The queues hold more than half of what one of them may, and a full one refuses messages',
    runbook: 'orders-are-accepted-and-not-decided',
    fires: {
      series: {
        [series('rabbitmq_queue_messages', broker)]: '700000x12',
        [series('rabbitmq_queue_messages', { ...broker, instance: 'broker-2' })]: '700000x12',
      },
      at: '2m',
      labels: { job: 'rabbitmq' },
    },
    silent: { series: { [series('rabbitmq_queue_messages', broker)]: '700000x12' }, at: '2m' },
  },
  {
    name: 'DatabaseDown',
    expr: 'pg_up == 0 or up{job="postgres"} == 0',
    for: `${limits.absentS}s`,
    severity: 'warning',
    summary: '{{ $labels.instance }} does not answer its exporter: one more loss may leave no majority',
    runbook: 'a-replica-failed',
    fires: {
      series: { [series('up', database)]: '1x9', [series('pg_up', database)]: '1 0x8' },
      at: '1m',
      labels: database,
    },
    silent: { series: { [series('up', database)]: '1x9', [series('pg_up', database)]: '1 0 1x8' }, at: '1m' },
  },
];
