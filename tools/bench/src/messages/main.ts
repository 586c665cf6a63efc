import { ensureTool, UsageCommand, wholeNumberOf, wholeNumbersOf } from '@eco/cluster';
import { CALLERS_MAX, ROUNDS_MAX, SECONDS_MAX } from '../options.js';
import { compareWithBaseline, type Compared, type ComparisonSpec } from '../baseline.js';
import { median, ratio } from '../figures.js';
import { addProducts, productsOf } from '../products.js';
import { System } from '../system.js';
import { measureAcceptance, type Accepted } from './acceptance.js';
import { measureBare, measureOurs, type Published } from './publishers.js';
import { measureStandby, type BatchTime } from './standby.js';

/*
 * Cost and throughput of the messaging, in one run on one machine: our publisher and a plain amqplib loop, Central
 * accepting orders and a bare route, and the writer's batches with and without a standby. Rounds alternate, so that
 * drift affects both.
 */

const program = new UsageCommand('npm run bench:messages --')
  .description(
    'compare the publisher with a plain amqplib loop and acceptance with a bare route, and measure the cost of a standby; nothing else should run',
  )
  .option('--seconds <n>', 'of each segment of publishing and accepting', '5')
  .option('--rounds <n>', 'of publishing, of accepting, and of load with and without a standby', '3')
  .option('--callers <list>', 'concurrent orders', '64,256')
  .option('--standby-seconds <n>', 'of each segment of load; 0: not measured', '20')
  .option('--json', 'print JSON')
  .action(run);

interface Options {
  readonly seconds: string;
  readonly rounds: string;
  readonly callers: string;
  readonly standbySeconds: string;
  readonly json?: true;
}

async function run(options: Options): Promise<void> {
  const violations: string[] = [];
  const seconds = wholeNumberOf('--seconds', options.seconds, { max: SECONDS_MAX }, violations);
  const rounds = wholeNumberOf('--rounds', options.rounds, { max: ROUNDS_MAX }, violations);
  const standby = { min: 0, max: SECONDS_MAX };
  const standbySeconds = wholeNumberOf('--standby-seconds', options.standbySeconds, standby, violations);
  const callers = wholeNumbersOf('--callers', options.callers, { max: CALLERS_MAX }, violations);
  program.refuse(violations);
  const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const wrk = await ensureTool('wrk', say);
  const system = await System.open(say);
  try {
    say('starting the system');
    await system.start();
    await addProducts(system.centralUrl, system.token, productsOf(PRODUCTS));
    const load = { wrk, products: PRODUCTS, customers: CUSTOMERS, token: system.token, signal: interrupt.signal };
    const standby = { callers: STANDBY_CALLERS, seconds: standbySeconds, rounds };
    const batches = standbySeconds === 0 ? [] : await measureStandby(system, standby, load, say);
    say('stopping the writers; accepted orders wait in the queue');
    const accepted = await measureAcceptance(system, { callers, seconds, rounds }, load, say);
    say('stopping the services; only the measured publishers use the queue');
    await system.endServices();
    const published = await measurePublishers(system, { seconds, rounds, callers }, say);
    const measured = { published, accepted, batches };
    console.log(options.json ? JSON.stringify(measured, null, 2) : reportOf(measured, callers));
    if ([...published, ...accepted].some(({ failed }) => failed > 0)) process.exitCode = 1;
  } finally {
    await system.destroy();
  }
}

const PRODUCTS = 100;
const CUSTOMERS = 5000;
const STANDBY_CALLERS = 64;

function measurePublishers(
  system: System,
  { seconds, ...spec }: ComparisonSpec & { seconds: number },
  say: (line: string) => void,
): Promise<Published[]> {
  const measure = async (side: Compared, callers: number) => {
    const published = { bare: measureBare, ours: measureOurs }[side];
    const one = await published({ access: system.brokerAccess, callers, seconds });
    await system.purgeOrders();
    return one;
  };
  return compareWithBaseline(spec, measure, ({ perSecond }) => `${Math.round(perSecond)} orders/s confirmed`, say);
}

export interface MessagesResult {
  readonly published: readonly Published[];
  readonly accepted: readonly Accepted[];
  readonly batches: readonly BatchTime[];
}

function reportOf({ published, accepted, batches }: MessagesResult, callers: readonly number[]): string {
  const lines = [
    ...linesOf('confirmed to one process', 'a bare loop', published, callers),
    ...linesOf('accepted by Central', 'a bare route', accepted, callers),
  ];
  const batchMs = (withStandby: boolean) =>
    median(batches.filter((each) => each.withStandby === withStandby).map(({ meanMs }) => meanMs));
  const [alone, watched] = [batchMs(false), batchMs(true)];
  if (alone === undefined || watched === undefined) return lines.join('\n');
  const share = ratio(watched, alone)?.toFixed(2) ?? '?';
  return [
    ...lines,
    `a batch takes ${watched.toFixed(1)} ms with a standby, ${alone.toFixed(1)} ms without: ${share} times`,
  ].join('\n');
}

function linesOf(
  what: string,
  bareName: string,
  measured: readonly { side: Compared; callers: number; perSecond: number }[],
  callers: readonly number[],
): string[] {
  return callers.map((at) => {
    const of = (side: Compared) =>
      median(measured.filter((each) => each.side === side && each.callers === at).map(({ perSecond }) => perSecond));
    const [bare, ours] = [of('bare'), of('ours')];
    const times = ratio(ours, bare)?.toFixed(2) ?? '?';
    return `${at} callers: ${Math.round(ours ?? 0)} orders/s ${what}, ${Math.round(bare ?? 0)} to ${bareName}: ${times} times`;
  });
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
