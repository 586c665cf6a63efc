import { ensureTool, EXIT_USAGE, ProcessError, Refused, UsageCommand } from '@eco/cluster';
import { Bench } from './bench.js';
import { parts, sides, type BenchOptions } from './options.js';
import { readOptions, type OptionTexts } from './read-options.js';
import { reportText } from './report-text.js';
import { summaryOf } from './summary.js';
import { System } from './system.js';

const EXIT_FAULTY = 1;
const EXIT_INTERRUPTED = 130;

const program = new UsageCommand('npm run bench:orders --')
  .description(
    'measure orders against a monolith on the same machine with the same durability; nothing else should run',
  )
  .option('--seconds <n>', 'of each segment', '10')
  .option('--warm-up <n>', 'seconds before each segment that are not counted', '3')
  .option('--rounds <n>', 'each measures the monolith, then ours', '3')
  .option('--callers <list>', 'how many at once', '64,256')
  .option('--orders <n>', 'to drain, and for writer-only throughput', '50000')
  .option('--pools <list>', 'pool sizes of the monolith to try; the best is used', '4,8,16,32')
  .option('--batch-limit <n>', 'commands in one batch of the writer', '1000')
  .option('--parts <list>', 'what to measure', parts.join(','))
  .option('--sides <list>', 'systems to measure', sides.join(','))
  .option('--json', 'print JSON')
  .action(run);

async function run(texts: OptionTexts & { readonly json?: true }): Promise<void> {
  const violations: string[] = [];
  const options = readOptions(texts, violations);
  program.refuse(violations);
  const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
  // This setting goes to the writers, as all other ECO_ settings do.
  process.env.ECO_BATCH_LIMIT = String(options.batchLimit);
  const wrk = await ensureTool('wrk', say);
  const system = await System.open(say);
  const interrupt = stopOn(['SIGINT', 'SIGTERM', 'SIGHUP']);
  try {
    const measured = await Promise.race([measure(system, options, wrk, say, interrupt.signal), interrupt.aborted]);
    if (measured.faults.length > 0) process.exitCode = EXIT_FAULTY;
    const summary = summaryOf(measured);
    console.log(texts.json ? JSON.stringify({ ...measured, summary }, null, 2) : reportText(measured, summary));
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    say('interrupted: stopping everything');
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    await system.destroy();
    // After an interruption, nothing waits for work in progress.
    if (interrupt.signal.aborted) process.exit();
  }
}

async function measure(
  system: System,
  options: BenchOptions,
  wrk: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Bench['measured']> {
  say('starting three brokers, a primary with two replicas, and the services');
  await system.start();
  const bench = new Bench(system, options, wrk, say, signal);
  await bench.run();
  return bench.measured;
}

/**
 * `aborted` rejects with the first of the signals. A later one ends this process at once, with everything it started. A
 * signal that npm and the terminal send at the same moment counts once.
 */
function stopOn(signals: readonly NodeJS.Signals[]): { signal: AbortSignal; aborted: Promise<never> } {
  const controller = new AbortController();
  let firstMs: number | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = (name: NodeJS.Signals) => {
      firstMs ??= performance.now();
      if (performance.now() - firstMs > SAME_MS) process.exit(EXIT_INTERRUPTED);
      controller.abort();
      reject(new Error(`interrupted by ${name}`));
    };
    for (const name of signals) process.on(name, stop);
  });
  aborted.catch(() => undefined);
  return { signal: controller.signal, aborted };
}

const SAME_MS = 300;

program.parseAsync().catch((error: unknown) => {
  const isRefused = error instanceof Refused;
  console.error(isRefused || error instanceof ProcessError ? `error: ${error.message}` : error);
  process.exitCode = isRefused ? EXIT_USAGE : EXIT_FAULTY;
});
