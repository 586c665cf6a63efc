import { median } from '../figures.js';
import { COMPONENTS } from '../report-text.js';
import type { SideFigures } from '../summary.js';
import type { Results } from './results.js';

/** A bar with one or more parts, end to end. */
export interface Bar {
  readonly label: string;
  readonly parts: readonly { readonly series: string; readonly value: number }[];
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  /** Names of the parts, in the order of their colours. */
  readonly series: readonly string[];
  readonly bars: readonly Bar[];
}

export interface Section {
  readonly title: string;
  readonly charts: readonly Chart[];
  /** Reasons why the figures are invalid. */
  readonly faults: readonly string[];
}

const OURS = 'EcoMarket';

/** The charts of each benchmark that ran. */
export function sectionsOf(results: Partial<Results>): Section[] {
  const { orders, messages, reads, access, tracing } = results;
  const logIns = results['log-ins'];
  return [
    ...(orders ? [{ title: 'Orders', charts: orderCharts(orders), faults: orders.faults }] : []),
    ...(messages ? [{ title: 'Messages', charts: messageCharts(messages), faults: [] }] : []),
    ...(reads
      ? [
          {
            title: 'Reads',
            charts: [comparison('Orders read by id', 'reads/s', 'bare handler', readRates(reads))],
            faults: [],
          },
        ]
      : []),
    ...(logIns ? [{ title: 'Log-ins', charts: [logInChart(logIns)], faults: [] }] : []),
    ...(access || tracing ? [{ title: 'Hooks of a request', charts: hookCharts(access, tracing), faults: [] }] : []),
  ].filter(({ charts, faults }) => charts.some(({ bars }) => bars.length > 0) || faults.length > 0);
}

function orderCharts({ summary }: Results['orders']): Chart[] {
  const rows = summary.rows.map((row) => ({
    ...row,
    name: `${row.kind}, ${row.callers} callers${row.waits ? ', Prefer: wait' : ''}`,
  }));
  const sides = (valueOf: (figures: SideFigures) => number) =>
    rows.flatMap(({ name, monolith, ours }) => [
      ...(monolith ? [bar(`${name}, monolith`, 'monolith', valueOf(monolith))] : []),
      ...(ours ? [bar(`${name}, ${OURS}`, OURS, valueOf(ours))] : []),
    ]);
  const cpu = rows.flatMap(({ name, waits, monolith, ours }) => [
    ...(monolith && !waits ? [cpuBar(`${name}, monolith`, monolith.cpuMicros)] : []),
    ...(ours ? [cpuBar(`${name}, ${OURS}`, ours.cpuMicros)] : []),
  ]);
  return [
    {
      title: 'Committed',
      unit: 'orders/s',
      series: ['monolith', OURS],
      bars: sides((each) => each.committedPerSecond),
    },
    {
      title: 'Answers, median latency',
      unit: 'ms',
      series: ['monolith', OURS],
      bars: sides((each) => each.p50Ms),
    },
    {
      title: 'Processor time of an order, by part',
      unit: 'µs',
      series: COMPONENTS,
      bars: cpu.filter(({ parts }) => parts.length > 0),
    },
    {
      title: 'Orders that were queued, and the writer alone',
      unit: 'orders/s',
      series: ['drained', 'writer only'],
      bars: summary.drains.flatMap(({ kind, perSecond, floorPerSecond }) => [
        ...(perSecond === undefined ? [] : [bar(`${kind}, drained`, 'drained', perSecond)]),
        ...(floorPerSecond === undefined ? [] : [bar(`${kind}, writer only`, 'writer only', floorPerSecond)]),
      ]),
    },
    {
      title: 'Log of the primary for an order',
      unit: 'bytes',
      series: ['WAL'],
      bars: summary.drains.flatMap(({ kind, walBytes }) =>
        walBytes === undefined ? [] : [bar(kind, 'WAL', walBytes)],
      ),
    },
  ];
}

function cpuBar(label: string, cpuMicros: SideFigures['cpuMicros']): Bar {
  const parts = COMPONENTS.flatMap((series) => {
    const value = cpuMicros[series];
    return value === undefined ? [] : [{ series, value }];
  });
  return { label, parts };
}

function messageCharts({ published, accepted, batches }: Results['messages']): Chart[] {
  const batch = (withStandby: boolean) =>
    median(batches.filter((each) => each.withStandby === withStandby).map(({ meanMs }) => meanMs));
  const [watched, alone] = [batch(true), batch(false)];
  return [
    comparison('Orders confirmed to one process', 'orders/s', 'bare loop', published),
    comparison('Orders accepted by Central', 'orders/s', 'bare route', accepted),
    {
      title: 'One batch of the writer',
      unit: 'ms',
      series: ['batch'],
      bars: [
        ...(watched === undefined ? [] : [bar('with a standby', 'batch', watched)]),
        ...(alone === undefined ? [] : [bar('without', 'batch', alone)]),
      ],
    },
  ];
}

interface Rate {
  readonly side: 'bare' | 'ours';
  readonly callers: number;
  readonly perSecond: number;
}

function readRates({ segments }: Results['reads']): Rate[] {
  return segments.map(({ side, callers, done, seconds }) => ({ side, callers, perSecond: done / seconds }));
}

/** Medians of the rounds, of a plain program and of ours. */
function comparison(title: string, unit: string, bareName: string, rates: readonly Rate[]): Chart {
  const callers = [...new Set(rates.map((each) => each.callers))];
  return {
    ...{ title, unit, series: [bareName, OURS] },
    bars: callers.flatMap((at) =>
      (['bare', 'ours'] as const).flatMap((side) => {
        const own = rates.filter((each) => each.side === side && each.callers === at);
        const value = median(own.map(({ perSecond }) => perSecond));
        const name = side === 'bare' ? bareName : OURS;
        return value === undefined ? [] : [bar(`${at} callers, ${name}`, name, value)];
      }),
    ),
  };
}

function logInChart({ segments }: Results['log-ins']): Chart {
  const callers = [...new Set(segments.map((each) => each.callers))];
  return {
    title: 'Log-ins by password at one Central',
    unit: 'log-ins/s',
    series: ['log-ins'],
    bars: callers.map((at) => {
      const own = segments.filter((each) => each.callers === at).map(({ perSecond }) => perSecond);
      return bar(`${at} callers`, 'log-ins', median(own) ?? 0);
    }),
  };
}

function hookCharts(access: Results['access'] | undefined, tracing: Results['tracing'] | undefined): Chart[] {
  return [
    ...(access
      ? [
          {
            ...{ title: 'Processor time of a request with its policy and without', unit: 'µs', series: ['request'] },
            bars: [
              bar('with its policy', 'request', access.figures.guardedMicros),
              bar('without', 'request', access.figures.openMicros),
            ],
          },
        ]
      : []),
    ...(tracing
      ? [
          {
            ...{ title: 'Processor time of a request with tracing', unit: 'µs', series: ['request'] },
            bars: tracing.rows.map(({ name, micros }) => bar(name, 'request', micros)),
          },
        ]
      : []),
  ];
}

const bar = (label: string, series: string, value: number): Bar => ({ label, parts: [{ series, value }] });
