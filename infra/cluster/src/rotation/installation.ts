import path from 'node:path';
import { allDir, readGroups, serviceFolders } from '../compose/configure.js';
import { brokers, groupOf, MANAGEMENT_PORT } from '../compose/addresses.js';
import type { GroupLayout, Layout } from '../layout.js';
import { serviceSecretsFile } from '../secrets.js';

/** The files and servers of an installation that know its secrets, whether it runs as processes or in containers. */
export interface Installation {
  /** Folder with the `secrets` folder, which has all secrets. */
  readonly dir: string;
  /** The secrets file of each service. */
  readonly serviceFiles: readonly string[];
  /** The replicator's password of each group, in the form that libpq reads. */
  readonly passwordFiles: readonly string[];
  readonly groups: readonly GroupLayout[];
  readonly managementUrls: readonly string[];
}

/** The installation that `eco up` started. */
export function nativeInstallation(dataDir: string, { groups, brokers: nodes, services }: Layout): Installation {
  return {
    dir: dataDir,
    serviceFiles: services.map(({ name }) => serviceSecretsFile(dataDir, name)),
    passwordFiles: groups.map(({ id }) => path.join(dataDir, 'postgres', id, 'replicator.pgpass')),
    groups,
    managementUrls: nodes.map(({ host, managementPort }) => `http://${host}:${managementPort}`),
  };
}

/** The installation of compose.yaml, as a job in a container sees it. `dir`: where the volumes are mounted. */
export async function composeInstallation(dir: string): Promise<Installation> {
  const groupIds = await readGroups(dir);
  return {
    dir: allDir(dir),
    serviceFiles: serviceFolders(dir, groupIds).map((folder) => path.join(folder, 'secrets.json')),
    passwordFiles: groupIds.map((id) => path.join(dir, id, 'replicator.pgpass')),
    groups: groupIds.map(groupOf),
    managementUrls: brokers.map(({ host }) => `http://${host}:${MANAGEMENT_PORT}`),
  };
}
