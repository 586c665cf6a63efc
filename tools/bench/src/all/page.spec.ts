import { sectionsOf } from './charts.js';
import { pageOf } from './page.js';
import type { Results, Run } from './results.js';

const side = (committedPerSecond: number, p50Ms: number, cpuMicros: Record<string, number>) => ({
  ...{ committedPerSecond, answersPerSecond: committedPerSecond, p50Ms, p99Ms: 2 * p50Ms, cpuMicros },
});

const orders: Results['orders'] = {
  options: {
    ...{ parts: ['mixed'], sides: ['monolith', 'ours'], rounds: 1, seconds: 1, warmUpSeconds: 0, callers: [64] },
    ...{ orders: 10, pools: [4], batchLimit: 1000, products: 10, customers: 10 },
  },
  machine: { cores: 2, model: 'a machine', node: 'v24' },
  ...{ bare: [], pools: [], segments: [], drains: [], floors: [], consumersBehindSeconds: [], faults: [] },
  summary: {
    rows: [
      {
        ...{ kind: 'mixed', callers: 64, waits: false, times: 3 },
        monolith: side(900, 60, { API: 500, primary: 400 }),
        ours: side(2700, 20, { API: 90, brokers: 30, primary: 80 }),
      },
    ],
    drains: [{ kind: 'hot', perSecond: 18_000, floorPerSecond: 20_000, walBytes: 812.4, cpuMicros: {} }],
  },
};

const reads: Results['reads'] = {
  segments: [
    ...[1000, 3000, 2000].map((done) => ({
      ...({ side: 'ours', callers: 16, done, failed: 0, seconds: 10, p50Ms: 1, p99Ms: 2, maxMs: 3 } as const),
    })),
  ],
  shares: [],
};

const run = (results: Run['results']): Run => ({
  at: '2026-12-01T12:00:00.000Z',
  commit: 'abc1234',
  machine: { cores: 2, model: 'a <machine>', node: 'v24' },
  results,
});

it('has a bar for each figure, with its value', () => {
  const page = pageOf(run({ orders, reads }));
  expect(page.match(/<figcaption>[^<]*/g)).toEqual([
    '<figcaption>Committed, orders/s',
    '<figcaption>Answers, median latency, ms',
    '<figcaption>Processor time of an order, by part, µs',
    '<figcaption>Orders that were queued, and the writer alone, orders/s',
    '<figcaption>Log of the primary for an order, bytes',
    '<figcaption>Orders read by id, reads/s',
  ]);
  for (const title of ['monolith: 900', 'EcoMarket: 2,700', 'brokers: 30.0', 'writer only: 20,000', 'WAL: 812']) {
    expect(page).toContain(`<title>${title}</title>`);
  }
});

it('shows the medians of the rounds', () => {
  const [section] = sectionsOf({ reads });
  expect(section?.charts[0]?.bars).toEqual([
    { label: '16 callers, EcoMarket', parts: [{ series: 'EcoMarket', value: 200 }] },
  ]);
});

it('stacks the parts of an order’s processor time', () => {
  const [section] = sectionsOf({ orders });
  const cpu = section?.charts.find(({ unit }) => unit === 'µs');
  expect(cpu?.bars.map(({ parts }) => parts.map(({ series, value }) => [series, value]))).toEqual([
    [
      ['API', 500],
      ['primary', 400],
    ],
    [
      ['API', 90],
      ['brokers', 30],
      ['primary', 80],
    ],
  ]);
});

it('names no benchmark that did not run, and says why figures are invalid', () => {
  const page = pageOf(run({ orders: { ...orders, faults: ['R3 is broken'] } }));
  expect(page).not.toContain('<h2>Reads');
  expect(page).toContain('Invalid: R3 is broken');
});

it('needs nothing else, and escapes what it shows', () => {
  const page = pageOf(run({ orders, reads }));
  expect(page).not.toMatch(/<script|<link|src=|url\(|https?:/);
  expect(page).toContain('a &#60;machine&#62;');
  expect(page).toContain('prefers-color-scheme: dark');
});
