import {
  describeCluster,
  openInside,
  openSecrets,
  readRun,
  RunningSystem,
  type Layout,
  type Run,
  type Secrets,
} from '@eco/cluster';
import type { Command } from 'commander';
import { dockerOption, isComposeThere, openComposeSystem } from './compose-system.js';
import { BadInput } from './input.js';

export function dataOption(command: Command): Command {
  return command.option('--data <dir>', 'data folder of the running system (default: .eco in the project)');
}

/** The selected data folder. */
export function dataDirOf({ data }: { readonly data?: string }): string {
  if (data === '') throw new BadInput('--data must name a folder');
  return describeCluster(data === undefined ? {} : { dataDir: data }).dataDir;
}

export function nothingRuns(dataDir: string): BadInput {
  return new BadInput(
    `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another with --data`,
  );
}

/** The run of `eco up` with this data folder, even if its processes have ended. Throws BadInput if there is none. */
export function runIn(dataDir: string): Run {
  const run = readRun(dataDir);
  if (run === undefined) throw nothingRuns(dataDir);
  return run;
}

export interface Where {
  readonly data?: string;
  readonly docker?: true;
}

/** Options that select the system. */
export function targetOptions(command: Command): Command {
  return dockerOption(dataOption(command));
}

/** Whether the system of compose.yaml is selected: by option, or because it exists and no other runs or is named. */
export async function isComposeMeant({ data, docker }: Where): Promise<boolean> {
  if (docker) return true;
  return data === undefined && readRun(dataDirOf({})) === undefined && isComposeThere();
}

/**
 * Finds the system that `eco up` started, from its data folder, or that of compose.yaml. Throws BadInput if none runs.
 */
export async function openTarget(where: Where): Promise<RunningSystem> {
  const { layout, secrets } = await findSystem(where);
  return new RunningSystem(layout, secrets);
}

/** The passwords and keys of the selected system. Throws BadInput if none runs, or if they can't be read. */
export async function secretsOf(where: Where): Promise<Secrets> {
  try {
    return (await findSystem(where)).secrets;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new BadInput(`this user can't read the secrets of the installation (${path}): ${code}`);
  }
}

interface Found {
  readonly layout: Layout;
  readonly secrets: Secrets;
}

async function findSystem(where: Where): Promise<Found> {
  const inside = process.env['ECO_CONTAINERS_DIR'];
  if (inside !== undefined) return openInside(inside);
  if (await isComposeMeant(where)) return openComposeSystem();
  const dataDir = dataDirOf(where);
  return { layout: runIn(dataDir).layout, secrets: await openSecrets(dataDir) };
}
