import { readFileSync } from 'node:fs';
import { sleep } from '@eco/base';
import { BranchSystem } from '../branches/branch-system.js';
import type { BranchProcess } from '../branches/branch-process.js';
import { untilDrained } from '../branches/records.js';
import type { Till } from '../branches/till.js';

/*
 * Measures a branch: `npm run bench:branches`. Sales a second and the time of POST /sales at 8 tills with and without a
 * line, in alternating rounds, without pauses and at a pace; the time to deliver sales; start-up and memory. All servers
 * and the tills share the machine.
 */

const ROUNDS = Number(process.env['ECO_BENCH_ROUNDS'] ?? 5);
const SALES = Number(process.env['ECO_BENCH_SALES'] ?? 4_000);
const DRAINED = Number(process.env['ECO_BENCH_DRAINED'] ?? 100_000);
const TILLS = 8;
/** Mean pause of a till between two sales, ms: far shorter than a cashier's. */
const PACE_MS = 100;
const PACED_SALES = 1_000;
const STARTS = 5;
const PRODUCT = 'measured';
const HOUR_MS = 3_600_000;

let system: BranchSystem;
let branch: BranchProcess;
let tills: Till[];

beforeAll(async () => {
  system = await BranchSystem.start();
  [branch] = system.branches as [BranchProcess];
  await branch.start();
  await system.createProduct(PRODUCT, 100_000_000);
  await system.send(branch, PRODUCT, 10_000_000);
  tills = await Promise.all(Array.from({ length: TILLS }, (_, n) => system.till(branch, `m${n}`, PRODUCT)));
}, 300_000);
afterAll(() => system?.close(), 120_000);

const say = (text: string) => process.stderr.write(`${text}\n`);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const quantile = (numbers: readonly number[], q: number) => sorted(numbers)[Math.floor(numbers.length * q)] ?? NaN;
const median = (numbers: readonly number[]) => quantile(numbers, 0.5);

interface Round {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU of the branch's process for each sale, ms. */
  readonly cpuMs: number;
}

/** Sells with all tills at once, each one sale after the other, with random pauses of this mean. */
async function sell(sales: number, pauseMs = 0): Promise<Round> {
  for (const till of tills) till.tookMs.length = 0;
  let begun = 0;
  const cpuBeforeMs = cpuMs();
  const startedAt = performance.now();
  await Promise.all(
    tills.map(async (till) => {
      while ((begun += 1) <= sales) {
        expect(await till.sell(1)).toBeUndefined();
        if (pauseMs > 0) await sleep(Math.random() * 2 * pauseMs);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const took = tills.flatMap(({ tookMs }) => tookMs);
  const ofEach = (cpuMs() - cpuBeforeMs) / sales;
  return { perSecond: sales / seconds, p50: median(took), p99: quantile(took, 0.99), cpuMs: ofEach };
}

/** CPU that the branch's process has used, ms. Linux counts ticks of 10 ms. */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${branch.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function memoryMb(): number {
  const status = readFileSync(`/proc/${branch.pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
}

const textOf = (name: string, rounds: readonly Round[]) =>
  `${name}: ${Math.round(median(rounds.map(({ perSecond }) => perSecond)))} sales/s, ` +
  `median ${median(rounds.map(({ p50 }) => p50)).toFixed(1)} ms, p99 ${median(rounds.map(({ p99 }) => p99)).toFixed(1)} ms, ` +
  `${median(rounds.map((round) => round.cpuMs)).toFixed(2)} ms of CPU each`;

test.each([
  ['without pauses', SALES, 0],
  ['at a pace', PACED_SALES, PACE_MS],
])(
  'sales with and without a line, %s',
  async (how, sales, pauseMs) => {
    await sell(500);
    const [online, offline]: [Round[], Round[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      online.push(await sell(sales, pauseMs));
      branch.line.cut('down');
      offline.push(await sell(sales, pauseMs));
      branch.line.mend();
      await untilDrained(branch, await system.managerOf(branch), HOUR_MS);
    }
    say(`${ROUNDS} rounds of ${sales} sales at ${TILLS} tills ${how}, medians of the rounds`);
    say(textOf('online ', online));
    say(textOf('offline', offline));
  },
  HOUR_MS,
);

test(
  'delivery of sales',
  async () => {
    branch.line.cut('down');
    const { perSecond, p99 } = await sell(DRAINED);
    say(`${DRAINED} sales offline: ${Math.round(perSecond)}/s, p99 ${p99.toFixed(1)} ms, then ${memoryMb()} MB`);
    const startedAt = performance.now();
    branch.line.mend();
    await untilDrained(branch, await system.managerOf(branch), HOUR_MS);
    const seconds = (performance.now() - startedAt) / 1000;
    say(`delivered in ${seconds.toFixed(1)} s: ${Math.round(DRAINED / seconds)}/s; ${memoryMb()} MB`);
  },
  HOUR_MS,
);

test(
  'start-up and memory',
  async () => {
    for (const how of ['up', 'down'] as const) {
      if (how === 'down') branch.line.cut('down');
      const [took, memory]: [number[], number[]] = [[], []];
      for (let n = 0; n < STARTS; n += 1) {
        await branch.end('SIGTERM');
        took.push(await branch.start());
        memory.push(memoryMb());
      }
      say(`line ${how}: takes sales ${Math.round(median(took))} ms after its start, with ${median(memory)} MB`);
    }
  },
  HOUR_MS,
);
