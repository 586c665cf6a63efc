import { UsageCommand, wholeNumberOf, wholeNumbersOf } from '@eco/cluster';
import { ROUNDS_MAX, SECONDS_MAX } from '../options.js';
import { sampleCpu } from '../cpu.js';
import { median } from '../figures.js';
import { System } from '../system.js';

/*
 * Log-ins through POST /auth/login of one Central. A log-in costs one argon2id hash on purpose, so the figure is
 * compared with the time of that hash alone, as a log-in with one caller shows it.
 */

const program = new UsageCommand('npm run bench:log-ins --')
  .description('count log-ins by password at one Central; nothing else should run')
  .option('--seconds <n>', 'of each segment', '5')
  .option('--rounds <n>', 'each measures every number of callers', '5')
  .option('--callers <list>', 'how many at once', '1,4,16')
  .option('--json', 'print JSON')
  .action(run);

interface Options {
  readonly seconds: string;
  readonly rounds: string;
  readonly callers: string;
  readonly json?: true;
}

interface Credentials {
  readonly login: string;
  readonly password: string;
}

export interface LogInsResult {
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly callers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of a log-in, by component. Empty: unknown on this machine. */
  readonly cpuMs: Readonly<Record<string, number>>;
}

/** Each caller has an account of its own, because an account keeps only its latest sessions. */
const ACCOUNTS = 64;
const DEADLINE_MS = 60_000;

async function run(options: Options): Promise<void> {
  const violations: string[] = [];
  const callers = wholeNumbersOf('--callers', options.callers, { max: ACCOUNTS }, violations);
  const seconds = wholeNumberOf('--seconds', options.seconds, { max: SECONDS_MAX }, violations);
  const rounds = wholeNumberOf('--rounds', options.rounds, { max: ROUNDS_MAX }, violations);
  program.refuse(violations);
  const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
  const system = await System.open(say);
  try {
    say('starting the system');
    await system.start();
    const accounts: Credentials[] = [];
    for (let number = 1; number <= ACCOUNTS; number += 1) accounts.push(await addAccount(system, `bench-${number}`));
    const segments: Segment[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      for (const at of callers) {
        const segment = await measure(system, accounts.slice(0, at), seconds);
        say(
          `${round === 0 ? 'not counted' : `round ${round}`}, ${at} callers: ${segment.perSecond.toFixed(1)} log-ins/s`,
        );
        if (round > 0) segments.push(segment);
      }
    }
    console.log(options.json ? JSON.stringify({ segments }, null, 2) : reportOf(segments, callers));
  } finally {
    await system.destroy();
  }
}

async function addAccount(system: System, login: string): Promise<Credentials> {
  const response = await fetch(`${system.centralUrl}/accounts`, {
    method: 'POST',
    headers: { ...(await system.administrator.header()), 'content-type': 'application/json' },
    body: JSON.stringify({ login, role: 'manager' }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`POST /accounts answered ${response.status}: ${text}`);
  return { login, password: (JSON.parse(text) as { password: string }).password };
}

async function measure(system: System, accounts: readonly Credentials[], seconds: number): Promise<Segment> {
  const tookMs: number[] = [];
  const before = sampleCpu(system.components);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const caller = async (credentials: Credentials): Promise<void> => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const response = await fetch(`${system.centralUrl}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(credentials),
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`POST /auth/login answered ${response.status}: ${text}`);
      tookMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(accounts.map(caller));
  const elapsedMs = performance.now() - startMs;
  const after = sampleCpu(system.components);
  tookMs.sort((one, other) => one - other);
  const at = (part: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(part * tookMs.length))] ?? 0;
  const cpuMs =
    before && after
      ? Object.fromEntries(
          Object.entries(after).map(([name, used]) => [name, (used - (before[name] ?? 0)) / tookMs.length]),
        )
      : {};
  return {
    callers: accounts.length,
    perSecond: tookMs.length / (elapsedMs / 1000),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMs,
  };
}

function reportOf(segments: readonly Segment[], callers: readonly number[]): string {
  const medianOf = (at: number, figure: (segment: Segment) => number) =>
    median(segments.filter((segment) => segment.callers === at).map(figure)) ?? 0;
  return callers
    .map((at) =>
      [
        `${at} callers`,
        `${medianOf(at, ({ perSecond }) => perSecond).toFixed(1)} log-ins/s`,
        `p50 ${medianOf(at, ({ p50Ms }) => p50Ms).toFixed(0)} ms`,
        `p99 ${medianOf(at, ({ p99Ms }) => p99Ms).toFixed(0)} ms`,
        `CPU of Central ${medianOf(at, ({ cpuMs }) => cpuMs['API'] ?? 0).toFixed(1)} ms`,
      ].join(', '),
    )
    .join('\n');
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
