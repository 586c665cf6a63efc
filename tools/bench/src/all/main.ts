import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR, UsageCommand, wholeNumberOf } from '@eco/cluster';
import { thisMachine } from '../machine.js';
import { ROUNDS_MAX } from '../options.js';
import { pageOf } from './page.js';
import { programs, type BenchmarkName, type Results, type Run } from './results.js';

/*
 * Runs all benchmarks, one after the other, and writes their results as JSON and as a page with charts. Each benchmark is a
 * process of its own, as it is when it runs alone, so none finds code that another one has compiled.
 */

const EXIT_FAULTY = 1;
const EXIT_INTERRUPTED = 130;

const program = new UsageCommand('npm run bench --')
  .description('run all benchmarks, and write their results as JSON and as one page; nothing else should run')
  .option('--only <list>', 'benchmarks to run', Object.keys(programs).join(','))
  .option('--rounds <n>', 'of each benchmark; default: those of each')
  .option('--out <folder>', 'where bench.json and bench.html are written', 'reports/bench')
  .action(run);

interface Options {
  readonly only: string;
  readonly rounds?: string;
  readonly out: string;
}

async function run({ only, rounds, out }: Options): Promise<void> {
  const violations: string[] = [];
  const names = namesOf(only, violations);
  const given =
    rounds === undefined
      ? []
      : ['--rounds', String(wholeNumberOf('--rounds', rounds, { max: ROUNDS_MAX }, violations))];
  program.refuse(violations);
  const results: Partial<Results> = {};
  const measured: Run = {
    at: new Date().toISOString(),
    commit: await commitOf(),
    machine: thisMachine(),
    results,
  };
  // Ctrl-C reaches the benchmarks as well: each stops what it has started.
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => (isInterrupted = true));
  const failed: string[] = [];
  for (const name of names) {
    console.error(`\n${name}`);
    const { printed, exitCode } = await benchmark(name, given);
    if (isInterrupted) process.exit(EXIT_INTERRUPTED);
    if (printed !== '') Object.assign(results, { [name]: JSON.parse(printed) as unknown });
    if (exitCode !== 0) failed.push(`${name} ended with ${exitCode}`);
    // Written after each, so that a later failure loses nothing.
    await mkdir(out, { recursive: true });
    await writeFile(path.join(out, 'bench.json'), `${JSON.stringify(measured, null, 2)}\n`);
    await writeFile(path.join(out, 'bench.html'), pageOf(measured));
  }
  console.log(`${path.join(out, 'bench.html')} and bench.json have the results of ${names.join(', ')}`);
  if (failed.length > 0) {
    console.error(`error: ${failed.join('; ')}`);
    process.exitCode = EXIT_FAULTY;
  }
}

function namesOf(list: string, violations: string[]): BenchmarkName[] {
  const isName = (name: string): name is BenchmarkName => Object.hasOwn(programs, name);
  const names = list.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!isName(name)) violations.push(`--only must name some of ${Object.keys(programs).join(', ')}, not "${name}"`);
  }
  return [...new Set(names.filter(isName))];
}

/** Its output is JSON, or nothing if it has failed. Its progress goes to stderr. */
async function benchmark(
  name: BenchmarkName,
  args: readonly string[],
): Promise<{ printed: string; exitCode: number | null }> {
  const script = path.join(__dirname, '..', programs[name]);
  const running = spawn(process.execPath, [script, '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  running.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    running.once('error', reject);
    running.once('close', resolve);
  });
  return { printed, exitCode };
}

async function commitOf(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short', 'HEAD'], { cwd: PROJECT_DIR });
    return stdout.trim();
  } catch {
    // The project was copied without its repository.
    return null;
  }
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = EXIT_FAULTY;
});
