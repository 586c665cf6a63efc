import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { composeLayout, composeLogs, findOnPath, LOG_LINE_PREFIX } from '@eco/cluster';
import type { Command } from 'commander';
import { findContainers } from '../compose-system.js';
import { BadInput, print } from '../input.js';
import { dataDirOf, isComposeMeant, runIn, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly out?: string;
}

interface DatabaseLog {
  readonly name: string;
  readonly logFile: string;
}

/** `eco report …`: reports about a running system. */
export function registerReport(program: Command): void {
  const report = program.command('report').description('write reports about the running system');
  targetOptions(
    report.command('queries').description("report queries, locks and vacuum from the databases' logs, by pgBadger"),
  )
    .option('--out <file>', 'HTML file to write (default: queries.html in the data folder, with --docker here)')
    .action((options: Options, command: Command) => print(command, () => queries(options)));
}

const MISSING =
  'pgbadger is not installed. Install it by "sudo apt-get install -y --no-install-recommends pgbadger", ' +
  '"sudo dnf install -y pgbadger" or "brew install pgbadger"';

async function queries(options: Options): Promise<string> {
  const pgbadger = findOnPath('pgbadger');
  if (pgbadger === undefined) throw new BadInput(MISSING);
  if (!(await isComposeMeant(options))) {
    const dataDir = dataDirOf(options);
    return write(pgbadger, path.resolve(options.out ?? path.join(dataDir, 'queries.html')), logsIn(dataDir));
  }
  const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-logs-'));
  try {
    return await write(pgbadger, path.resolve(options.out ?? 'queries.html'), await logsOfContainers(dir));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function logsIn(dataDir: string): DatabaseLog[] {
  const run = runIn(dataDir);
  const nodes = run.layout.groups.flatMap((group) => group.nodes.map(({ name }) => name));
  const logs = run.processes.filter(({ name, logFile }) => nodes.includes(name) && existsSync(logFile));
  if (logs.length === 0) throw new BadInput(`there are no logs of databases in ${dataDir}`);
  return logs;
}

/** Copies the logs into `dir`. */
async function logsOfContainers(dir: string): Promise<DatabaseLog[]> {
  const { groups } = composeLayout(await findContainers());
  const logs = groups.flatMap(({ nodes }) =>
    nodes.map(({ name }) => ({ name, logFile: path.join(dir, `${name}.log`) })),
  );
  for (const { name, logFile } of logs) await composeLogs(name, logFile);
  return logs;
}

async function write(pgbadger: string, out: string, logs: readonly DatabaseLog[]): Promise<string> {
  const args = ['--quiet', '--format', 'stderr', '--prefix', LOG_LINE_PREFIX, '--title', 'EcoMarket', '--outfile', out];
  try {
    await promisify(execFile)(pgbadger, [...args, ...logs.map(({ logFile }) => logFile)], { maxBuffer: 10_000_000 });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new BadInput(`pgbadger could not write ${out}: ${stderr.trim().split('\n').at(-1) || message}`);
  }
  return `${out}: from the logs of ${logs.map(({ name }) => name).join(', ')}`;
}
