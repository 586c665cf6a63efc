import { OwnToken } from '@eco/access';
import type { Address, Login } from '@eco/base';
import {
  brokerAddresses,
  brokerLogin,
  clientUrlOf,
  describeCluster,
  openInside,
  openSecrets,
  readRun,
  trustLayout,
  type Layout,
  type Secrets,
} from '@eco/cluster';
import type { Command } from 'commander';
import { dockerOption, isComposeThere, openComposeSystem } from './compose-system.js';
import { BadInput } from './input.js';

/** The running system, for commands that observe it or put load on it. */
export interface Target {
  centralUrl: string;
  sucursalUrl: string;
  readUrl: string;
  brokers: Address[];
  /** Login of the brokers with which dead letters are replayed and discarded. */
  deadLetterAdmin: Login;
  groups: { id: string; nodes: (Address & { name: string })[] }[];
  login(role: 'eco_reader' | 'eco_operator' | 'eco_monitor'): Login;
  /** A client that makes its own access tokens with the installation's keys. */
  tokenOf(role: 'administrator' | 'manager' | 'operator'): OwnToken;
}

export function dataOption(command: Command): Command {
  return command.option('--data <dir>', 'data folder of the running system (default: .eco in the project)');
}

/** The selected data folder. */
export function dataDirOf({ data }: { readonly data?: string }): string {
  return describeCluster(data === undefined ? {} : { dataDir: data }).dataDir;
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
export async function openTarget(where: Where): Promise<Target> {
  const { layout, secrets, name } = await findSystem(where);
  const urlOf = (app: string): string => {
    const service = layout.services.find((each) => each.app === app);
    if (service === undefined) throw new BadInput(`what runs ${name} has no ${app}: start it without --no-services`);
    if (!service.port) throw new BadInput(`${app} does not run: see "npx eco status"`);
    return clientUrlOf(service);
  };
  return {
    centralUrl: urlOf('central-api'),
    sucursalUrl: urlOf('sucursal-api'),
    readUrl: urlOf('read-service'),
    brokers: brokerAddresses(layout),
    deadLetterAdmin: brokerLogin(secrets, 'dead-letter-admin'),
    groups: layout.groups.map(({ id, nodes }) => ({ id, nodes: [...nodes] })),
    login: (role) => ({ user: role, password: secrets.database[role] }),
    tokenOf: (role) => new OwnToken(secrets.tokens, { id: `eco ${role}`, role }),
  };
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

async function findSystem(where: Where): Promise<{ layout: Layout; secrets: Secrets; name: string }> {
  const found = await lookForSystem(where);
  trustLayout(found.layout);
  return found;
}

async function lookForSystem(where: Where): Promise<{ layout: Layout; secrets: Secrets; name: string }> {
  const inside = process.env['ECO_CONTAINERS_DIR'];
  if (inside !== undefined) return { ...(await openInside(inside)), name: 'in containers' };
  if (await isComposeMeant(where)) return { ...(await openComposeSystem()), name: 'in containers' };
  const dataDir = dataDirOf(where);
  const run = readRun(dataDir);
  if (run) {
    return { layout: run.layout, secrets: await openSecrets(dataDir), name: `with the data folder ${dataDir}` };
  }
  throw new BadInput(
    `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another with --data`,
  );
}
