import { askControl, isRunning, readRun, type Operation, type Run } from '@eco/cluster';
import { BadInput } from './input.js';
import { dataDirOf, nothingRuns } from './target.js';

/** Options of a command that the process of `eco up` carries out. */
export interface OperateOptions {
  readonly data?: string;
}

/** What runs as processes of this machine. Throws BadInput if nothing does. */
export function runOf(options: OperateOptions): { readonly dataDir: string; readonly run: Run } {
  const dataDir = dataDirOf(options);
  const run = readRun(dataDir);
  if (run !== undefined && isRunning(run)) return { dataDir, run };
  throw nothingRuns(dataDir);
}

/** Has the process of `eco up` carry out an operation, and returns its sentence about the result. */
export async function operate(options: OperateOptions, operation: Operation): Promise<string> {
  const { control } = runOf(options).run;
  if (control === undefined) throw new BadInput('eco up still starts: try again when everything is ready');
  return askControl(control, operation);
}
