import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { composeLogs, logBefore, readRun, Refused, type Run } from '@eco/cluster';
import type { Command } from 'commander';
import { findContainers } from '../compose-system.js';
import { BadInput, json, printChecked } from '../input.js';
import { dataDirOf, isComposeMeant, openTarget, targetOptions, type Where } from '../target.js';
import { tableOf } from '../text-table.js';
import { findTrace, type Trace } from '../trace/find-trace.js';
import { ID } from '../trace/ids.js';
import type { LogFile } from '../trace/log-lines.js';

interface Options extends Where {
  readonly json?: true;
}

const EXIT_NOT_FOUND = 1;

/** What no command line may read, because only the service itself may. */
const NEVER_READ = 'notifications and customers: only their own service may read these rows';

/** `eco trace`: shows one order's way from logs and rows; ends with 1 if nothing knows it. */
export function registerTrace(program: Command): void {
  targetOptions(program.command('trace').description("show one order's way, from logs and rows"))
    .argument('<id>', 'id of an order or of another command, X-Correlation-Id of a response, or 32 digits of a trace')
    .option('--json', 'print JSON')
    .action((id: string, options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => {
          if (!ID.test(id))
            violations.push(`an id has 8 to 128 letters, digits or ._:/+=@-, not ${JSON.stringify(id)}`);
        },
        () => trace(id, options),
      ),
    );
}

async function trace(id: string, options: Options): Promise<string> {
  const target = await openTarget(options);
  const found = await withLogs(options, async (logs, notRead) => {
    const { notRead: others, ...rest } = await findTrace(target, logs, id);
    return { ...rest, notRead: [...notRead, ...others, NEVER_READ] };
  });
  if (found.steps.length === 0) process.exitCode = EXIT_NOT_FOUND;
  return options.json ? json(found) : textOf(id, found);
}

/** Logs and what is missing of them. Those of containers are copied for as long as `work` takes. */
async function withLogs<T>(
  options: Options,
  work: (logs: readonly LogFile[], notRead: readonly string[]) => Promise<T>,
): Promise<T> {
  if (process.env['ECO_CONTAINERS_DIR'] !== undefined) {
    return work([], ['logs: a container can not read those of others. Run "npx eco trace --docker" on the machine']);
  }
  if (await isComposeMeant(options)) return withContainerLogs(work);
  const run = readRun(dataDirOf(options));
  if (run === undefined) throw new BadInput('nothing runs: start it by "npm start"');
  const logs = logsOf(run);
  const missing = logs.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  return work(
    logs.flatMap(({ name, file }) => [
      { name, file: logBefore(file) },
      { name, file },
    ]),
    missing.length === 0 ? [] : [`logs of ${missing.join(', ')}: the files are gone`],
  );
}

function logsOf({ layout, processes }: Run): LogFile[] {
  const services = new Set(layout.services.map(({ name }) => name));
  return processes.filter(({ name }) => services.has(name)).map(({ name, logFile }) => ({ name, file: logFile }));
}

const SERVICE = /^(?:central-api|sucursal-api|read-service|shard-writer)/;

async function withContainerLogs<T>(
  work: (logs: readonly LogFile[], notRead: readonly string[]) => Promise<T>,
): Promise<T> {
  const services = (await findContainers()).map(({ service }) => service).filter((name) => SERVICE.test(name));
  const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-trace-'));
  const logs: LogFile[] = [];
  const notRead: string[] = [];
  try {
    for (const name of services) {
      const file = path.join(dir, `${name}.log`);
      try {
        await composeLogs(name, file);
        logs.push({ name, file });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        notRead.push(`logs of ${name}: ${error.message}`);
      }
    }
    return await work(logs, notRead);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function textOf(id: string, { steps, commandIds, correlationIds, notRead }: Trace): string {
  const firstMs = steps[0]?.atMs ?? 0;
  return [
    steps.length === 0
      ? `nothing is known of ${id}`
      : tableOf(
          ['time', '>after ms', '>took ms', 'where', 'what'],
          steps.map(({ atMs, tookMs, where, what }) => [
            new Date(atMs).toISOString().slice(0, 23),
            (atMs - firstMs).toFixed(1),
            tookMs === null ? '' : tookMs.toFixed(1),
            where,
            what,
          ]),
        ),
    ...(commandIds.length > 0 ? [`commands: ${commandIds.join(', ')}`] : []),
    ...(correlationIds.length > 0 ? [`correlation ids: ${correlationIds.join(', ')}`] : []),
    ...notRead.map((what) => `not read: ${what}`),
  ].join('\n');
}
