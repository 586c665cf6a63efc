import { process, series, when, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const writer = process('shard-writer-1:9000');
const central = process('central-api:9000');

/** Alarms of what the services see of the brokers. */
export const brokerAlarms: readonly Alarm[] = [
  {
    name: 'LeaderTakesNoCommands',
    expr: 'eco_consumer_subscribed == 0 and on (job, instance) eco_writer_leader == 1',
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: 'The leader is not subscribed to {{ $labels.queue }}',
    runbook: 'eco_consumer_subscribed',
    fires: {
      series: {
        [series('eco_consumer_subscribed', { ...writer, queue: 'orders.g1' })]: '0x8',
        [series('eco_writer_leader', { ...writer, group: 'g1' })]: '1x8',
      },
      at: '1m',
      labels: { ...writer, queue: 'orders.g1' },
    },
    silent: {
      // A standby subscribes to nothing.
      series: {
        [series('eco_consumer_subscribed', { ...writer, queue: 'orders.g1' })]: '0x8',
        [series('eco_writer_leader', { ...writer, group: 'g1' })]: '0x8',
      },
      at: '1m',
    },
  },
  {
    name: 'MessagesRedelivered',
    expr: 'increase(eco_consumer_redelivered_messages_total[1m]) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Messages of {{ $labels.queue }} are taken and not settled, again and again',
    runbook: 'eco_consumer_redelivered_messages_total',
    fires: {
      series: { [series('eco_consumer_redelivered_messages_total', { ...writer, queue: 'orders.g1' })]: '0+3x40' },
      at: '7m',
      labels: { ...writer, queue: 'orders.g1' },
    },
    silent: {
      // A takeover delivers messages a second time, once.
      series: { [series('eco_consumer_redelivered_messages_total', { ...writer, queue: 'orders.g1' })]: '0x4 40x36' },
      at: '7m',
    },
  },
  {
    name: 'BrokersNotConnected',
    ...when({
      what: 'connections to the brokers',
      metric: 'eco_broker_connected',
      wrong: 'equal',
      limit: 0,
      remedy: 'npx eco status: is a majority of the brokers ready?',
    }),
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: '{{ $labels.instance }} has no connection to a broker ({{ $labels.connection }})',
    runbook: 'eco_broker_connected-eco_broker_blocked',
    fires: {
      series: { [series('eco_broker_connected', { ...central, connection: 'commands' })]: '0x8' },
      at: '1m',
      labels: { ...central, connection: 'commands' },
    },
    silent: {
      series: { [series('eco_broker_connected', { ...central, connection: 'commands' })]: '0 1x8' },
      at: '1m',
    },
  },
  {
    name: 'BrokersBlock',
    ...when({
      what: 'publishers that a broker blocks',
      metric: 'eco_broker_blocked',
      wrong: 'equal',
      limit: 1,
      remedy: 'free memory or disk of the broker',
    }),
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: 'A broker is short of memory or disk, and accepts nothing from {{ $labels.instance }}',
    runbook: 'eco_broker_connected-eco_broker_blocked',
    fires: {
      series: { [series('eco_broker_blocked', { ...central, connection: 'commands' })]: '1x8' },
      at: '1m',
      labels: { ...central, connection: 'commands' },
    },
    silent: { series: { [series('eco_broker_blocked', { ...central, connection: 'commands' })]: '0x8' }, at: '1m' },
  },
  {
    name: 'CommandsNotConfirmed',
    expr: 'increase(eco_publisher_commands_total{outcome!="confirmed"}[1m]) > 0',
    severity: 'warning',
    summary: 'Commands of {{ $labels.instance }} are not confirmed: {{ $labels.outcome }}',
    runbook: 'eco_publisher_commands_total',
    fires: {
      series: { [series('eco_publisher_commands_total', { ...central, outcome: 'unconfirmed' })]: '0x4 9x4' },
      at: '90s',
      labels: { ...central, outcome: 'unconfirmed' },
    },
    silent: {
      series: { [series('eco_publisher_commands_total', { ...central, outcome: 'confirmed' })]: '0+9x8' },
      at: '90s',
    },
  },
  {
    name: 'ConfirmsSlow',
    expr: 'histogram_quantile(0.99, sum by (job, instance, le) (rate(eco_publisher_confirm_seconds_bucket[5m]))) > 1.5',
    for: '1m',
    severity: 'warning',
    summary:
      'Confirms for {{ $labels.instance }} take nearly 2 s, after which orders are refused or kept in the journal',
    runbook: 'eco_publisher_confirm_seconds',
    fires: {
      series: {
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '1' })]: '0x20',
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '2' })]: '0+10x20',
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '+Inf' })]: '0+10x20',
      },
      at: '4m',
      labels: central,
    },
    silent: {
      series: {
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '1' })]: '0+10x20',
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '2' })]: '0+10x20',
        [series('eco_publisher_confirm_seconds_bucket', { ...central, le: '+Inf' })]: '0+10x20',
      },
      at: '4m',
    },
  },
];
