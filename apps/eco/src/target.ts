import { describeCluster, openSecrets, readRun } from '@eco/cluster';
import type { Command } from 'commander';
import { BadInput } from './input.js';

/** The running system as commands that look at it or put load on it need it. */
export interface Target {
  centralUrl: string;
  sucursalUrl: string;
  readUrl: string;
  groups: { id: string; nodes: { name: string; host: string; port: number }[] }[];
  login(role: 'eco_reader' | 'eco_monitor'): { user: string; password: string };
}

export function dataOption(command: Command): Command {
  return command.option('--data <dir>', 'data folder of the running system (default: .eco in the project)');
}

/** Finds the system that `eco up` started from its data folder. Throws BadInput when nothing runs there. */
export async function openTarget(data: string | undefined): Promise<Target> {
  const { dataDir } = describeCluster(data === undefined ? {} : { dataDir: data });
  const run = readRun(dataDir);
  if (run === undefined) {
    throw new BadInput(
      `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another with --data`,
    );
  }
  const { database } = await openSecrets(dataDir);
  const urlOf = (app: string): string => {
    const service = run.layout.services.find((each) => each.app === app);
    if (service === undefined)
      throw new BadInput(`what runs with the data folder ${dataDir} has no ${app}: start it without --no-services`);
    return `http://${service.host}:${service.port}`;
  };
  return {
    centralUrl: urlOf('central-api'),
    sucursalUrl: urlOf('sucursal-api'),
    readUrl: urlOf('read-service'),
    groups: run.layout.groups.map(({ id, nodes }) => ({ id, nodes: [...nodes] })),
    login: (role) => ({ user: role, password: database[role] }),
  };
}
