import { alarms } from '@eco/observability';
import { boardQueries, metricsIn, namesOf } from '@eco/observability/files';
import { startSecond } from './system/second-service.js';
import { openSystem } from './system/system.js';

/** Alert rules and the overview name only what the running services export. */
/** Names of the metrics that the services export. */
let exported: ReadonlySet<string>;
/** Lines `name type`. */
let types: readonly string[];
beforeAll(async () => {
  const system = await openSystem();
  // Central sends mails only with a mail server. None is at this address.
  const mailing = await startSecond(system, 'central-api', {
    ECO_CONSUMERS: 'notifications',
    ECO_SMTP_URL: 'smtp://127.0.0.1:1',
  });
  const listeners = [
    ...Object.values(system.operators),
    ...system.writers.map(({ operators }) => operators),
    mailing.operators,
  ];
  const texts = await Promise.all(listeners.map(async (api) => (await api.get('/metrics')).text));
  await mailing.stop();
  types = texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+ \S+)/gm)].map(([, type = '']) => type));
  exported = new Set(texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)));
});

/** Prometheus makes the first ones itself. Those of the servers are checked with the servers (observers.int.spec.ts). */
const OF_OTHERS = /^(?:up|ALERTS|rabbitmq_.+|pg_.+)$/;

const missingIn = (query: string) =>
  metricsIn(query).filter((metric) => !namesOf(metric).some((name) => exported.has(name) || OF_OTHERS.test(name)));

it('finds the metrics of all services', () => {
  expect([...exported]).toEqual(
    expect.arrayContaining(['eco_writer_leader', 'eco_journal_commands', 'eco_read_node_reachable', 'eco_mails_total']),
  );
});

it('names counters, and nothing else, as Prometheus names them', () => {
  const own = types.filter((type) => /^(?:eco|http)_/.test(type));
  expect(own.filter((type) => /_total /.test(type) !== / counter$/.test(type))).toEqual([]);
});

it.each([
  'eco_build_info gauge',
  'eco_writer_accepted_to_decided_seconds histogram',
  'eco_writer_oldest_undecided_seconds gauge',
])('exports %s', (type) => {
  expect(types).toContain(type);
});

it.each(alarms)('rule $name names metrics that a service exports', ({ expr }) => {
  expect(missingIn(expr)).toEqual([]);
});

it.each(boardQueries)('the overview’s $panel names metrics that a service exports', ({ expr }) => {
  expect(missingIn(expr)).toEqual([]);
});
