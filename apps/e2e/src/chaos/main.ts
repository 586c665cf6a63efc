import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '@eco/base';
import { UsageCommand, wholeNumberOf } from '@eco/cluster';
import { seededRandom, type TestProvider } from '@eco/testing';
import { FaultSystem } from '../faults/fault-system.js';
import { MixedLoad } from '../faults/mixed-load.js';
import { chaosFaults, mayMeet, type ChaosFault } from './chaos-faults.js';
import { reportOf, type ChaosCheck, type Happened } from './report.js';
import { Sampler } from './sampler.js';

/*
 * `npm run chaos -- --minutes N --seed S`: pairs of faults, chosen by the seed, while a chain sells. After each pair
 * everything that was promised is compared with what is stored. The result is one HTML page. Natively the servers are
 * supervised as by `npm start`, and primaries are lost. With `--provider containers` the brokers and databases are
 * containers that nobody supervises.
 */

const REQUESTS_PER_SECOND = 30;
/** The second fault of a pair begins within this time after the first one, ms. */
const OFFSET_MS = 3000;
/** Quiet time after a pair, ms. */
const QUIET_MS = 1000;

const PROVIDERS = ['native', 'containers'] as const;

interface Asked {
  readonly minutes: number;
  readonly seed: number;
  readonly report: string;
  readonly provider: TestProvider;
}

/** Ends the process with 2, and names every violation, if the command line is invalid. */
function asked(): Asked {
  const program = new UsageCommand('npm run chaos --')
    .description('pairs of faults while a chain sells, then everything that was promised is compared')
    .option('--minutes <n>', 'how long, also less than one', '5')
    .option('--seed <n>', 'the faults follow from it (default: another one each time)', String(Date.now() % 1_000_000))
    .option('--report <file>', 'HTML file to write', 'reports/chaos.html')
    .option('--provider <provider>', PROVIDERS.join(' or '), 'native')
    .parse();
  const options = program.opts<Record<'minutes' | 'seed' | 'report' | 'provider', string>>();
  const violations: string[] = [];
  const minutes = /^\d{1,6}(\.\d{1,6})?$/.test(options.minutes) ? Number(options.minutes) : 0;
  if (minutes === 0) violations.push(`--minutes must be a number above 0, not ${JSON.stringify(options.minutes)}`);
  const seed = wholeNumberOf('--seed', options.seed, { min: 0, max: 999_999_999 }, violations);
  const provider = PROVIDERS.find((each) => each === options.provider);
  if (provider === undefined) {
    violations.push(`--provider must be ${PROVIDERS.join(' or ')}, not ${JSON.stringify(options.provider)}`);
  }
  program.refuse(violations);
  return { minutes, seed, report: path.resolve(options.report), provider: provider ?? 'native' };
}

async function run({ minutes, seed, report, provider }: Asked): Promise<boolean> {
  const say = (text: string) => process.stderr.write(`${new Date().toISOString()} ${text}\n`);
  say(`chaos: ${minutes} minutes, seed ${seed}, ${provider}`);
  const isSupervised = provider === 'native';
  const system = await FaultSystem.start({
    description: { branchIds: ['norte'], replicaAwaySeconds: 10, faults: true },
    isSupervised,
    provider,
  });
  try {
    const branches = await system.openBranches({ ECO_FETCH_LEAST_UNITS: '0' });
    const [branch] = branches.branches;
    if (branch === undefined) throw new Error('the system has no branch');
    const load = await MixedLoad.start(
      system,
      branches,
      { requestsPerSecond: REQUESTS_PER_SECOND, seed, badEvery: 300 },
      { servicesMayBeAway: true },
    );
    await system.untilAttached();
    load.orders.nextWindow();
    const window = load.orders.window;
    const at = new Date();
    system.said.splice(0);
    const sampler = new Sampler(load, window);
    const happened: Happened[] = [];
    const checks: ChaosCheck[] = [];
    const note = (faults: readonly string[], rows: number) => {
      checks.push({ atMs: sampler.nowMs, faults, rows });
      for (const fault of faults) say(`  broken: ${fault}`);
    };
    const inject = async (fault: ChaosFault, afterMs: number) => {
      await sleep(afterMs);
      const fromMs = sampler.nowMs;
      say(`${fault.part}: ${fault.name}`);
      const error = await fault.run(system).then(
        () => undefined,
        (reason: Error) => reason.message,
      );
      if (error !== undefined) say(`  not repaired: ${error}`);
      happened.push({ name: fault.name, part: fault.part, fromMs, toMs: sampler.nowMs, error });
    };
    const random = seededRandom(`${seed} chaos`);
    const faults = chaosFaults(branch, isSupervised);
    while (sampler.nowMs < minutes * 60_000) {
      const [one, other] = pairOf(faults, (limit) => Math.floor(random() * limit));
      await Promise.all([inject(one, 0), inject(other, random() * OFFSET_MS)]);
      await system.untilReplicasStream();
      await system.untilAttached();
      const { faults: broken, rows } = await load.check();
      note(broken, rows);
      await sleep(QUIET_MS);
    }
    note(await load.stop(), checks.at(-1)?.rows ?? 0);
    const lastMs = sampler.nowMs;
    sampler.stop();
    const { readers, till, orders } = load;
    const isGood =
      checks.every((each) => each.faults.length === 0) && happened.every(({ error }) => error === undefined);
    const figures = [
      ['faults', String(happened.length)],
      ['requests', String(orders.asked.length)],
      ['sales at the till', String(till.sales.length)],
      ['reads', `${readers.reads}, slowest ${Math.round(readers.slowestMs)} ms`],
      ['longest time without an accepted order', `${Math.round(window.longestGapMs)} ms`],
      ['longest time without a decision', `${Math.round(window.longestUndecidedMs)} ms`],
      ['positions lost', String(readers.positionsLost)],
    ] as const;
    const said = system.said.map(({ at: when, line }) => ({
      atMs: when.getTime() - at.getTime(),
      // The folder is removed at the end of the run.
      line: line.replaceAll(`${system.cluster.dataDir}${path.sep}`, ''),
    }));
    mkdirSync(path.dirname(report), { recursive: true });
    const page = { seed, minutes, at: at.toISOString(), samples: sampler.samples, happened, checks, said, figures };
    writeFileSync(report, reportOf(page));
    say(`${isGood ? 'every check held' : 'not every check held'} in ${Math.round(lastMs / 1000)} s: ${report}`);
    await branches.close();
    return isGood;
  } finally {
    await system.cluster.destroy();
  }
}

/** Two faults that may happen together. Each part is as likely as any other. */
function pairOf(faults: readonly ChaosFault[], below: (limit: number) => number): [ChaosFault, ChaosFault] {
  const one = oneOf(faults, below);
  return [
    one,
    oneOf(
      faults.filter((fault) => mayMeet(one, fault)),
      below,
    ),
  ];
}

function oneOf(faults: readonly ChaosFault[], below: (limit: number) => number): ChaosFault {
  const parts = [...new Set(faults.map(({ part }) => part))];
  const part = parts[below(parts.length)];
  const own = faults.filter((fault) => fault.part === part);
  return own[below(own.length)] as ChaosFault;
}

run(asked()).then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: Error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exit(2);
  },
);
