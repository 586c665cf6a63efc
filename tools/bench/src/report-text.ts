import Table from 'cli-table3';
import { OTHERS, othersShare } from './cpu.js';
import { median } from './figures.js';
import type { Measured, Row, SideFigures, Summary } from './summary.js';

/** The report for people. */
export function reportText(measured: Measured, summary: Summary): string {
  const { options, machine, bare, pools, verify, faults, consumersBehindSeconds } = measured;
  const rounds = `${options.rounds} ${options.rounds === 1 ? 'round' : 'rounds'} of ${options.seconds} s a segment`;
  return [
    `Medians of ${rounds}; ${machine.cores} cores (${machine.model}) carry all servers and the load; Node ${machine.node}`,
    bare.length > 0
      ? `A bare Fastify route that answers 202: ${bare.map((each) => `${whole(each.perSecond)}/s at ${each.callers} callers`).join(', ')}`
      : '',
    pools.length > 0
      ? `Pools tried for the monolith: ${pools.map((each) => `${each.kind} ${each.poolSize}: ${whole(each.committedPerSecond)}/s`).join(', ')}`
      : '',
    summary.rows.length > 0 ? ratesTable(summary.rows) : '',
    summary.drains.length > 0 ? drainTable(summary) : '',
    cpuTable(summary),
    others(measured),
    consumersBehindSeconds.length > 0
      ? `Consumers of events were level again at most ${Math.max(...consumersBehindSeconds).toFixed(1)} s after a load`
      : '',
    verify && faults.length === 0
      ? `R2, R3 and R4 hold (${verify.checks.length} checks over ${whole(verify.counts.orders)} orders)`
      : '',
    ...faults.map((fault) => `FAULTY: ${fault}`),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function ratesTable(rows: readonly Row[]): string {
  return tableOf(
    [
      ...['orders', '>callers', '>monolith/s', '>p50 ms', '>p99 ms'],
      ...['>ours/s, committed', '>answers/s', '>p50 ms', '>p99 ms', '>times', '>primary CPU'],
    ],
    rows.map(({ kind, callers, waits, monolith, ours, times, primaryCpu }) => [
      ...[waits ? `${kind}, Prefer: wait` : kind, whole(callers), whole(monolith?.committedPerSecond)],
      ...[tenths(monolith?.p50Ms), tenths(monolith?.p99Ms)],
      ...[whole(ours?.committedPerSecond), whole(ours?.answersPerSecond), tenths(ours?.p50Ms), tenths(ours?.p99Ms)],
      ...[tenths(times), primaryCpu === undefined ? '–' : `1/${(1 / primaryCpu).toFixed(1)}`],
    ]),
  );
}

function drainTable({ drains }: Summary): string {
  return tableOf(
    [
      'drained',
      '>orders/s',
      '>second half',
      '>times the monolith',
      '>writer only, orders/s',
      '>of the floor',
      '>WAL bytes an order',
    ],
    drains.map(({ kind, perSecond, perSecondWarm, times, floorPerSecond, ofFloor, walBytes }) => [
      ...[kind, whole(perSecond), whole(perSecondWarm), tenths(times), whole(floorPerSecond)],
      ...[ofFloor === undefined ? '–' : ofFloor.toFixed(2), whole(walBytes)],
    ]),
  );
}

function cpuTable({ rows, drains }: Summary): string {
  const lines: { name: string; callers: string; cpuMicros: SideFigures['cpuMicros'] }[] = rows.flatMap((row) => {
    const name = row.waits ? `${row.kind}, Prefer: wait` : row.kind;
    const of = (side: string, figures: SideFigures | undefined) =>
      figures ? [{ name: `${side}, ${name}`, callers: whole(row.callers), cpuMicros: figures.cpuMicros }] : [];
    return [...(row.waits ? [] : of('monolith', row.monolith)), ...of('ours', row.ours)];
  });
  lines.push(...drains.map(({ kind, cpuMicros }) => ({ name: `draining, ${kind}`, callers: '–', cpuMicros })));
  const shown = lines.filter(({ cpuMicros }) => Object.keys(cpuMicros).length > 0);
  if (shown.length === 0) return '';
  return tableOf(
    ['µs of CPU an order', '>callers', ...COMPONENTS.map((name) => `>${name}`), '>together', `>${OTHERS}`],
    shown.map(({ name, callers, cpuMicros }) => {
      const together = COMPONENTS.reduce((sum, each) => sum + (cpuMicros[each] ?? 0), 0);
      return [
        ...[name, callers, ...COMPONENTS.map((each) => tenths(cpuMicros[each]))],
        ...[tenths(together), tenths(cpuMicros[OTHERS])],
      ];
    }),
  );
}

/** The figures are valid only if nothing else used the machine. */
function others({ segments, drains }: Measured): string {
  const shares = [...segments, ...drains].flatMap(({ cpuMicros }) => (cpuMicros && othersShare(cpuMicros)) ?? []);
  if (shares.length === 0) return '';
  const percent = (share: number | undefined) => `${Math.round((share ?? 0) * 100)} %`;
  return `Others took ${percent(median(shares))} of the machine's computing meanwhile, ${percent(Math.max(...shares))} at the most`;
}

/** The components of both systems, in the order in which an order passes them. */
export const COMPONENTS = ['load', 'API', 'brokers', 'writer', 'primary', 'replicas', 'read-service'];

/** Heads that start with `>` belong to numbers: their column is right-aligned. */
function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: heads.map((head) => head.replace(/^>/, '')),
    colAligns: heads.map((head) => (head.startsWith('>') ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function whole(number: number | undefined): string {
  return number === undefined ? '–' : Math.round(number).toLocaleString('en-US');
}

function tenths(number: number | undefined): string {
  return number === undefined ? '–' : number.toFixed(1);
}
