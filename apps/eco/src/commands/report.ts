import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describeCluster, findOnPath, LOG_LINE_PREFIX, readRun } from '@eco/cluster';
import type { Command } from 'commander';
import { BadInput, print } from '../input.js';
import { dataOption } from '../target.js';

interface Options {
  readonly data?: string;
  readonly out?: string;
}

/** `eco report …`: documents about what a running system did. */
export function registerReport(program: Command): void {
  const report = program.command('report').description('write reports about the running system');
  dataOption(
    report.command('queries').description("what the databases' logs say of queries, locks and vacuum, by pgBadger"),
  )
    .option('--out <file>', 'HTML file to write (default: queries.html in the data folder)')
    .action((options: Options, command: Command) => print(command, queries(options)));
}

const MISSING =
  'pgbadger is not installed. Install it by "sudo apt-get install -y --no-install-recommends pgbadger", ' +
  '"sudo dnf install -y pgbadger" or "brew install pgbadger"';

async function queries(options: Options): Promise<string> {
  const { dataDir } = describeCluster(options.data === undefined ? {} : { dataDir: options.data });
  const run = readRun(dataDir);
  if (run === undefined) throw new BadInput(`nothing runs with the data folder ${dataDir}: start it by "npm start"`);
  const pgbadger = findOnPath('pgbadger');
  if (pgbadger === undefined) throw new BadInput(MISSING);
  const nodes = run.layout.groups.flatMap((group) => group.nodes.map(({ name }) => name));
  const logs = run.processes.filter(({ name, logFile }) => nodes.includes(name) && existsSync(logFile));
  if (logs.length === 0) throw new BadInput(`there are no logs of databases in ${dataDir}`);
  const out = path.resolve(options.out ?? path.join(dataDir, 'queries.html'));
  const args = ['--quiet', '--format', 'stderr', '--prefix', LOG_LINE_PREFIX, '--title', 'EcoMarket', '--outfile', out];
  try {
    await promisify(execFile)(pgbadger, [...args, ...logs.map(({ logFile }) => logFile)], { maxBuffer: 10_000_000 });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new BadInput(`pgbadger could not write ${out}: ${stderr.trim().split('\n').at(-1) || message}`);
  }
  return `${out}: from the logs of ${logs.map(({ name }) => name).join(', ')}`;
}
