import { reportText } from './report-text.js';
import { summaryOf, type Measured } from './summary.js';
import type { Segment } from './segment.js';

const segment = (fields: Partial<Segment>): Segment => ({
  side: 'ours',
  kind: 'mixed',
  callers: 64,
  waits: false,
  committedPerSecond: 0,
  answersPerSecond: 0,
  committed: 1,
  p50Ms: 1,
  p99Ms: 2,
  maxMs: 3,
  faulty: 0,
  ...fields,
});

const measured: Measured = {
  options: {
    ...{ parts: ['mixed'], sides: ['monolith', 'ours'], rounds: 3, seconds: 10, warmUpSeconds: 3, callers: [64] },
    ...{ orders: 1000, pools: [8], batchLimit: 1000, products: 10, customers: 10 },
  },
  machine: { cores: 2, model: 'a machine', node: 'v24' },
  bare: [],
  pools: [],
  segments: [
    ...[100, 300, 200].map((committedPerSecond) =>
      segment({ side: 'monolith', waits: true, committedPerSecond, cpuMicros: { primary: 300 } }),
    ),
    ...[900, 1000, 2000].map((committedPerSecond) => segment({ committedPerSecond, cpuMicros: { primary: 30 } })),
    segment({ waits: true, committedPerSecond: 400 }),
  ],
  drains: [{ kind: 'mixed', orders: 10, batches: 2, perSecond: 4000, perSecondWarm: 5000 }],
  floors: [{ kind: 'mixed', orders: 10, perSecond: 5000, walBytes: 1500 }],
  consumersBehindSeconds: [0.2],
  faults: [],
};

it('compares medians of the same load, and waiting callers with the same monolith', () => {
  const { rows, drains } = summaryOf(measured);
  expect(rows).toMatchObject([
    { kind: 'mixed', callers: 64, waits: false, times: 5, primaryCpu: 0.1 },
    { kind: 'mixed', callers: 64, waits: true, times: 2 },
  ]);
  expect(drains).toMatchObject([{ kind: 'mixed', times: 20, ofFloor: 0.8, perSecondWarm: 5000, walBytes: 1500 }]);
});

it('leaves out figures that were not measured', () => {
  const ours = { ...measured, segments: measured.segments.filter(({ side }) => side === 'ours') };
  const summary = summaryOf(ours);
  expect(summary.rows[0]?.times).toBeUndefined();
  expect(summary.drains[0]?.times).toBeUndefined();
  expect(reportText(ours, summary)).toContain('–');
});

it('states the reasons why its figures are invalid', () => {
  const faulty = { ...measured, faults: ['R3 is broken'] };
  expect(reportText(faulty, summaryOf(faulty))).toContain('FAULTY: R3 is broken');
});
