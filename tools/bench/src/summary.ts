import type { VerifyReport } from '@eco/database';
import type { Drain } from './drain.js';
import type { WriterOnlyResult } from './writer-only.js';
import type { Machine } from './machine.js';
import type { BenchOptions, SideName } from './options.js';
import { median, medians, ratio } from './figures.js';
import type { Segment } from './segment.js';
import type { OrderKind } from './wrk/wrk.js';

/** All raw measurements; conclusions are computed from them. */
export interface Measured {
  readonly options: BenchOptions;
  readonly machine: Machine;
  /** Answers per second of a route that does nothing. */
  readonly bare: { readonly callers: number; readonly perSecond: number }[];
  /** Pool sizes tried with 64 callers. `poolSize` is the best one for each kind of order. */
  readonly pools: { readonly kind: OrderKind; readonly poolSize: number; readonly committedPerSecond: number }[];
  readonly segments: Segment[];
  readonly drains: Drain[];
  readonly floors: WriterOnlyResult[];
  readonly consumersBehindSeconds: number[];
  verify?: VerifyReport;
  /** Reasons why the figures are invalid, in words. Empty: they are valid. */
  readonly faults: string[];
}

export interface Row {
  readonly kind: OrderKind;
  readonly callers: number;
  readonly waits: boolean;
  readonly monolith?: SideFigures;
  readonly ours?: SideFigures;
  /** Commits per second, EcoMarket's ÷ the monolith's. */
  readonly times?: number;
  /** CPU of the primary per order, EcoMarket's ÷ the monolith's. */
  readonly primaryCpu?: number;
}

/** Medians over the rounds. */
export interface SideFigures {
  readonly committedPerSecond: number;
  readonly answersPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicros: Readonly<Record<string, number>>;
}

export interface Summary {
  readonly rows: readonly Row[];
  readonly drains: readonly DrainRow[];
}

interface DrainRow {
  readonly kind: OrderKind;
  readonly perSecond?: number;
  readonly perSecondWarm?: number;
  readonly floorPerSecond?: number;
  readonly walBytes?: number;
  readonly cpuMicros: Readonly<Record<string, number>>;
  /** Draining ÷ the best throughput of the monolith with any number of callers. */
  readonly times?: number;
  readonly ofFloor?: number;
}

export function summaryOf({ segments, drains, floors }: Measured): Summary {
  const loads = [
    ...new Map(
      segments.map(({ kind, callers, waits, side }) => {
        const asked = side === 'ours' && waits;
        return [`${kind} ${callers} ${asked}`, { kind, callers, waits: asked }];
      }),
    ).values(),
  ];
  const rows = loads.map((load): Row => {
    const of = (side: SideName) =>
      figuresOf(
        segments.filter(
          (each) =>
            each.side === side &&
            each.kind === load.kind &&
            each.callers === load.callers &&
            (side === 'monolith' || each.waits === load.waits),
        ),
      );
    const [monolith, ours] = [of('monolith'), of('ours')];
    return {
      ...load,
      monolith,
      ours,
      times: ratio(ours?.committedPerSecond, monolith?.committedPerSecond),
      primaryCpu: ratio(ours?.cpuMicros.primary, monolith?.cpuMicros.primary),
    };
  });
  const kinds = [...new Set([...drains, ...floors].map(({ kind }) => kind))];
  const drainRows = kinds.map((kind): DrainRow => {
    const ofKind = drains.filter((drain) => drain.kind === kind);
    const best = rows.flatMap((row) => (row.kind === kind && row.monolith ? row.monolith.committedPerSecond : []));
    const perSecond = median(ofKind.map((drain) => drain.perSecond));
    const ofWriter = floors.filter((floor) => floor.kind === kind);
    const floorPerSecond = median(ofWriter.map((floor) => floor.perSecond));
    return {
      kind,
      perSecond,
      perSecondWarm: median(ofKind.map((drain) => drain.perSecondWarm)),
      floorPerSecond,
      walBytes: median(ofWriter.map((floor) => floor.walBytes)),
      cpuMicros: medians(ofKind.map(({ cpuMicros = {} }) => cpuMicros)) as Record<string, number>,
      times: best.length === 0 ? undefined : ratio(perSecond, Math.max(...best)),
      ofFloor: ratio(perSecond, floorPerSecond),
    };
  });
  return { rows, drains: drainRows };
}

function figuresOf(segments: readonly Segment[]): SideFigures | undefined {
  if (segments.length === 0) return undefined;
  const of = (member: 'committedPerSecond' | 'answersPerSecond' | 'p50Ms' | 'p99Ms') =>
    median(segments.map((segment) => segment[member])) ?? 0;
  return {
    committedPerSecond: of('committedPerSecond'),
    answersPerSecond: of('answersPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuMicros: medians(segments.map(({ cpuMicros = {} }) => cpuMicros)) as Record<string, number>,
  };
}
