import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { BadInput, json, printChecked, wholeNumberOf } from '../input.js';
import { runLoad, type LoadOptions } from '../load/run-load.js';
import { loadText } from '../load/load-text.js';
import { progressBar } from '../progress-bar.js';
import { openTarget, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly orders: string;
  readonly warmUp: string;
  readonly concurrency: string;
  readonly duration?: string;
  readonly hot: string;
  readonly customers: string;
  readonly products: string;
  readonly stock: string;
  readonly readers: string;
  readonly seed?: string;
  readonly json?: true;
}

const EXIT_BROKEN = 1;

/** `eco load`: places orders through both APIs while readers read, then reports; fails if a promise was broken. */
export function registerLoad(program: Command): void {
  targetOptions(
    program
      .command('load')
      .description('write orders through both APIs while readers read, wait until all are visible, check the rules'),
  )
    .option('--orders <n>', 'orders to place', '5000')
    .option('--warm-up <n>', 'orders to place before, which no figure counts', '2000')
    .option('--concurrency <n>', 'callers at once', '32')
    .option('--duration <s>', 'end after this many seconds, even if fewer were placed')
    .option('--hot <percent>', 'share of orders for one hot product', '20')
    .option('--customers <n>', 'customers who order', '1000')
    .option('--products <n>', 'products that are ordered', '100')
    .option('--stock <n>', 'units of each product at the start', '1000000')
    .option('--readers <n>', 'concurrent readers', '4')
    .option('--seed <n>', 'seed of the purchases; default: random')
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => loadOptionsOf(options, violations),
        (loadOptions) => load(options, loadOptions),
      ),
    );
}

function loadOptionsOf(options: Options, violations: string[]): LoadOptions {
  return {
    warmUp: wholeNumberOf('--warm-up', options.warmUp, { min: 0, max: 100_000 }, violations),
    orders: wholeNumberOf('--orders', options.orders, { max: 10_000_000 }, violations),
    concurrency: wholeNumberOf('--concurrency', options.concurrency, { max: 2_000 }, violations),
    durationMs:
      options.duration === undefined
        ? Number.POSITIVE_INFINITY
        : wholeNumberOf('--duration', options.duration, { max: 86_400 }, violations) * 1000,
    hotShare: wholeNumberOf('--hot', options.hot, { min: 0, max: 100 }, violations) / 100,
    customers: wholeNumberOf('--customers', options.customers, { max: 1_000_000 }, violations),
    products: wholeNumberOf('--products', options.products, { max: 10_000 }, violations),
    stock: wholeNumberOf('--stock', options.stock, { min: 0, max: 1_000_000_000 }, violations),
    readers: wholeNumberOf('--readers', options.readers, { min: 0, max: 1_000 }, violations),
    seed:
      options.seed === undefined
        ? randomInt(2 ** 31)
        : wholeNumberOf('--seed', options.seed, { min: 0, max: 2 ** 31 }, violations),
    run: Date.now().toString(36),
  };
}

async function load(options: Options, loadOptions: LoadOptions): Promise<string> {
  const target = await openTarget(options);
  const bar = progressBar(process.stderr);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  // The handler runs once, so a second Ctrl-C ends the process as usual.
  process.once('SIGINT', interrupt);
  try {
    const report = await runLoad(target, loadOptions, bar, stop.signal);
    bar.end();
    if (report.faults.length > 0) process.exitCode = EXIT_BROKEN;
    return options.json ? json(report) : loadText(report);
  } catch (error) {
    bar.end();
    if (isUnreachable(error)) {
      throw new BadInput(
        `the system does not answer (${(error as Error).message}): see "npx eco status", start it by "npm start"`,
      );
    }
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

function isUnreachable(error: unknown): boolean {
  return ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND'].includes((error as NodeJS.ErrnoException).code ?? '');
}
