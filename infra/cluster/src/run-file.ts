import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Layout } from './layout.js';
import { isSameProcess } from './processes/identity.js';
import { stopStages } from './processes/stop-stages.js';
import { Refused } from './refused.js';

/**
 * A file in the data folder that lists the running processes. `eco status` and `eco down` read it, even if the starter
 * has ended. It is written again whenever a process starts. Pid and start time show whether a process has ended.
 */

const processSchema = z.object({ pid: z.int(), start: z.string() });
export type RecordedProcess = z.infer<typeof processSchema>;

const runSchema = z.object({
  /** The process that started the cluster and stops it on request. */
  supervisor: processSchema,
  /** The socket that takes operations; absent until everything runs. */
  control: z.string().optional(),
  layout: z.custom<Layout>((value) => typeof value === 'object' && value !== null),
  /** Reasons why servers of the layout could not be started, by name. */
  missing: z.record(z.string(), z.string()).default({}),
  /** Folder of the backups. Absent: the databases' log is not archived. */
  backupsDir: z.string().optional(),
  processes: z.array(
    processSchema.extend({
      name: z.string(),
      stage: z.enum(stopStages),
      stopSignal: z.custom<NodeJS.Signals>((value) => typeof value === 'string' && value.startsWith('SIG')),
      stopMs: z.int(),
      logFile: z.string(),
    }),
  ),
});
export type Run = z.infer<typeof runSchema>;

/** The data folder is in use by a run that goes on. */
export class AlreadyRunning extends Refused {
  override readonly name = 'AlreadyRunning';

  constructor(
    readonly dataDir: string,
    readonly pid: number,
  ) {
    super(`a cluster with the data folder ${dataDir} is running already (pid ${pid})`);
  }
}

function runFile(dataDir: string): string {
  return path.join(dataDir, 'run.json');
}

/** The run in this data folder. Undefined: none runs, according to the folder. */
export function readRun(dataDir: string): Run | undefined {
  let text: string;
  try {
    text = readFileSync(runFile(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return runSchema.parse(JSON.parse(text));
}

/** Whether the starter still runs. If not, the file lists the leftovers of a crashed run. */
export function isRunning(run: Run): boolean {
  return isSameProcess(run.supervisor);
}

/** Takes the data folder for this run. Throws `AlreadyRunning`. Stop the leftovers of a crashed run first. */
export function beginRun(dataDir: string, run: Run): void {
  const there = readRun(dataDir);
  if (there && isRunning(there)) throw new AlreadyRunning(dataDir, there.supervisor.pid);
  rmSync(runFile(dataDir), { force: true });
  const mine = write(dataDir, run);
  try {
    // If two starts are concurrent, one of them finds the name taken.
    linkSync(mine, runFile(dataDir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new AlreadyRunning(dataDir, readRun(dataDir)?.supervisor.pid ?? 0);
  } finally {
    rmSync(mine, { force: true });
  }
}

export function updateRun(dataDir: string, run: Run): void {
  renameSync(write(dataDir, run), runFile(dataDir));
}

export function endRun(dataDir: string): void {
  rmSync(runFile(dataDir), { force: true });
}

function write(dataDir: string, run: Run): string {
  const file = `${runFile(dataDir)}.${process.pid}`;
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  return file;
}
