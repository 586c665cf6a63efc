import { whole } from '../input.js';
import { tableOf } from '../text-table.js';
import type { LoadReport } from './run-load.js';
import type { Latency } from './percentiles.js';

/** The report for people. */
export function loadText(report: LoadReport): string {
  const { options, check, reads, replication, customers } = report;
  const totalReads = reads.total || 1;
  const uneven = customers.degreesOfFreedom === 0 ? '' : `, chi-square p ${customers.p.toFixed(3)}`;
  return [
    `${whole(report.accepted)} orders accepted through Central and a branch after ${whole(report.warmUp)} to warm up, ${options.concurrency} callers, seed ${options.seed}`,
    tableOf(
      ['', '>a second', '>p50 ms', '>p95 ms', '>p99 ms', '>max ms'],
      [
        ['accept (request → 202)', whole(report.acceptedPerSecond), ...cells(report.accept)],
        ['commit (202 → visible on every node)', whole(report.committedPerSecond), ...cells(report.acceptToVisible)],
        [`read (${options.readers} readers)`, whole(reads.perSecond), ...cells(reads.latency)],
      ],
    ),
    tableOf(
      ['database node', '>orders shown', '>reads answered', '>share %'],
      report.rowsByNode.map(({ node, orders }) => {
        const answered = Object.entries(reads.bySource).reduce(
          (sum, [source, count]) => (source.split(' ')[0] === node ? sum + count : sum),
          0,
        );
        return [node, whole(orders), whole(answered), ((answered / totalReads) * 100).toFixed(1)];
      }),
    ),
    tableOf(
      ['replica', '>worst bytes', '>worst ms', '>own view: bytes', '>ms', 'at the end', '>bytes', '>ms'],
      replication.worst.map((worst) => {
        const end = replication.end.find(({ name }) => name === worst.name);
        const seen = end?.seenByPrimary;
        return [
          worst.name,
          whole(worst.primaryLagBytes),
          whole(worst.primaryLagMs),
          whole(worst.ownLagBytes),
          whole(worst.ownLagMs),
          seen ? `${seen.state}, ${seen.syncState}` : 'not streaming',
          seen ? whole(seen.lagBytes) : '',
          seen ? whole(seen.lagMs) : '',
        ];
      }),
    ),
    `the load itself took ${whole(report.own.cpuMicrosPerOrder)} µs of processor time an order, readers included: ${Math.round(report.own.machineShare * 100)} % of this machine`,
    `customers over ${customers.places.length} buckets: ${range(customers.places)}${uneven}`,
    `outcomes: ${whole(check.confirmed)} confirmed, ${whole(check.rejected)} rejected; reads: ${whole(reads.total)} answered, ${failures(reads.failed)} failed; requests without 202: ${failures(report.failedWrites)}`,
    check.openDeadLetters > 0 ? `open dead letters: ${whole(check.openDeadLetters)}` : '',
    ...(report.faults.length === 0
      ? [`R1 every accepted order is there, R2 R3 R4 hold (${check.checks} checks)`]
      : report.faults.map((fault) => `BROKEN: ${fault}`)),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function cells({ p50Ms, p95Ms, p99Ms, maxMs }: Latency): string[] {
  return [p50Ms, p95Ms, p99Ms, maxMs].map((ms) => (ms === null ? '–' : ms.toFixed(1)));
}

function range(places: readonly { keys: number; ideal: number }[]): string {
  const keys = places.map((place) => place.keys);
  return `${Math.min(...keys)} to ${Math.max(...keys)} each, ideal ${(places[0]?.ideal ?? 0).toFixed(1)}`;
}

function failures(counts: Record<string, number>): string {
  const all = Object.entries(counts);
  if (all.length === 0) return '0';
  return `${whole(all.reduce((sum, [, count]) => sum + count, 0))} (${all.map(([said, count]) => `${count} × ${said}`).join('; ')})`;
}
