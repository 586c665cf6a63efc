import { alarms } from '@eco/observability';
import * as fc from 'fast-check';
import { judge } from './checks.js';
import type { Facts } from './facts.js';
import { worstOf, type Finding } from './finding.js';
import { Metrics } from '@eco/observability';

const NOW = Date.parse('2026-11-29T03:00:00Z');
const DAY_MS = 86_400_000;
const thresholds = alarms.flatMap(({ threshold }) => threshold ?? []);

/** Metrics of a process in which no threshold is exceeded, with these lines in addition. */
function metricsWith(...lines: string[]): Metrics {
  const types = [...thresholds.map(({ metric }) => metric), 'eco_writer_leader'].map((name) => `# TYPE ${name} gauge`);
  return new Metrics([...types, 'eco_writer_leader{group="g1"} 1', ...lines].join('\n'));
}

const node = { name: 'g1-2', role: 'replica', seq: 1, position: null, lagMs: 0, follows: true } as const;
const slot = { name: 'g1_2', active: true, walStatus: 'reserved', retainedBytes: 0 };
const views = { seenByPrimary: null, seenByItself: null };

const healthy: Facts = {
  processes: [{ name: 'central-api', pid: 1, port: 8000, state: 'ready' }],
  metrics: [{ process: 'shard-writer-1', metrics: metricsWith() }],
  nodes: [
    { ...node, ...views, name: 'g1-1', role: 'primary', slot: null },
    { ...node, ...views, slot },
  ],
  clocks: [{ name: 'central-api', aheadS: 0.2, errorS: 0.6 }],
  queues: [{ name: 'orders.g1', messages: 12 }],
  brokers: [{ name: 'broker-1', alarms: [], freeBytes: 80e9 }],
  disk: { freeBytes: 80e9, bytes: 250e9 },
  certificates: [{ name: 'central-api:8000', expiresAtMs: NOW + 390 * DAY_MS }],
};

const found = (facts: Partial<Facts>) => judge({ ...healthy, ...facts }, NOW).filter(({ state }) => state !== 'ok');
const lines = (findings: readonly Finding[]) =>
  findings.map(({ state, what, measured }) => `${state} ${what}: ${measured}`);

it('finds nothing wrong in a healthy system', () => {
  const findings = judge(healthy, NOW);
  expect(findings.length).toBeGreaterThan(thresholds.length);
  expect(worstOf(findings)).toBe('ok');
});

const writer = (...text: string[]) => [{ process: 'shard-writer-1', metrics: metricsWith(...text) }];

it.each<[string, Partial<Facts>, string[]]>([
  [
    'a process that is away',
    { processes: [{ name: 'g1-3', pid: null, port: 5434, state: 'down', detail: 'ended' }] },
    ['critical g1-3: down: ended'],
  ],
  ['dead letters', { metrics: writer('eco_writer_dead_letters_open 3') }, ['warning dead letters: 3 (shard-writer-1)']],
  [
    'a database that a reader cannot reach',
    { metrics: writer('eco_read_node_reachable{node="g1-2",role="replica"} 0') },
    ['critical databases that readers reach: wrong: shard-writer-1 g1-2'],
  ],
  [
    'an old command in a journal',
    { metrics: writer('eco_journal_oldest_seconds 600') },
    ['critical oldest command in a journal: 10 min (shard-writer-1)'],
  ],
  [
    'a journal that is more than half full',
    { metrics: writer('eco_journal_bytes 60', 'eco_journal_limit_bytes 100') },
    ['critical fullest journal: 60 % (shard-writer-1)'],
  ],
  [
    'two leaders',
    { metrics: [...writer(), { process: 'shard-writer-2', metrics: metricsWith() }] },
    ['critical leaders of the groups: g1 has 2'],
  ],
  [
    'a slot whose log is gone',
    { nodes: [healthy.nodes[0] as never, { ...node, ...views, slot: { ...slot, walStatus: 'lost' } }] },
    ['critical slots of the replicas: g1-2 is lost'],
  ],
  [
    'a replica without a slot',
    { nodes: [healthy.nodes[0] as never, { ...node, ...views, slot: null }] },
    ['critical slots of the replicas: g1-2 has none'],
  ],
  [
    'a clock that differs',
    { clocks: [{ name: 'g1-2', aheadS: -7, errorS: 0.5 }] },
    ['warning clock that differs most from this machine: -7.0 ± 0.5 s (g1-2)'],
  ],
  [
    'a long queue',
    { queues: [{ name: 'orders.g1', messages: 1_500_000 }] },
    ['critical longest queue: 1,500,000 (orders.g1)'],
  ],
  [
    'an alarm of a broker',
    { brokers: [{ name: 'broker-2', alarms: ['memory', 'disk'], freeBytes: 1e6 }] },
    ['critical alarms of the brokers: broker-2: memory, disk'],
  ],
  [
    'little free disk',
    { disk: { freeBytes: 20e9, bytes: 250e9 } },
    ['warning free disk of the data folder: 8.0 %, 20.0 GB'],
  ],
  [
    'no free disk',
    { disk: { freeBytes: 2e9, bytes: 250e9 } },
    ['critical free disk of the data folder: 0.8 %, 2.0 GB'],
  ],
  [
    'a certificate that expires soon',
    { certificates: [{ name: 'g1-1:5432', expiresAtMs: NOW + 20 * DAY_MS }] },
    ['warning certificate that expires first: 20 days (g1-1:5432)'],
  ],
  [
    'an expired certificate',
    { certificates: [{ name: 'g1-1:5432', expiresAtMs: NOW - 1 }] },
    ['critical certificate that expires first: expired (g1-1:5432)'],
  ],
])('finds %s', (_, facts, expected) => {
  expect(lines(found(facts))).toEqual(expected);
});

it('says which figures it does not know when no process answers', () => {
  const findings = found({ metrics: [{ process: 'central-api', metrics: undefined }] });
  expect(findings).toHaveLength(thresholds.length + 1);
  expect(lines(findings)).toContain('warning dead letters: not known: no process reports it');
});

it('does not take an unknown lag for a large one', () => {
  expect(found({ metrics: writer('eco_read_node_lag_seconds{node="g1-2"} +Inf') })).toEqual([]);
});

it('a clock within the error of its measurement is right', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 100, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (errorS, share) => {
        expect(found({ clocks: [{ name: 'g1-2', aheadS: share * (errorS + 5), errorS }] })).toEqual([]);
      },
    ),
  );
});

it('each finding that is wrong says what to do, and no other does', () => {
  const findings = judge({ ...healthy, metrics: [{ process: 'central-api', metrics: undefined }] }, NOW);
  for (const { state, remedy, runbook } of findings) {
    expect([remedy !== undefined, runbook !== undefined]).toEqual([state !== 'ok', state !== 'ok']);
  }
});
