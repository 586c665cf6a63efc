import path from 'node:path';
import { baseUrl, trustAuthority } from '@eco/base';
import { CERTIFICATE_FILE, readAuthority } from '../authority.js';
import { allDir, readBranches, readGroups, serviceFolders } from '../compose/configure.js';
import { brokers, groupOf, MANAGEMENT_PORT } from '../compose/addresses.js';
import { managementUrlOf, signedGroup, trustLayout, type GroupLayout, type Layout } from '../layout.js';
import { serviceSecretsFile } from '../secrets.js';

/** The files and servers of an installation that know its secrets, whether it runs as processes or in containers. */
export interface Installation {
  /** Folder with the `secrets` folder, which has all secrets. */
  readonly dir: string;
  /** The secrets file of each service. */
  readonly serviceFiles: readonly string[];
  /** The replicator's password of each group, in the form that libpq reads. */
  readonly passwordFiles: readonly string[];
  /** The certificate and key of each server; they exist only with TLS. */
  readonly certificateFiles: readonly string[];
  readonly groups: readonly GroupLayout[];
  readonly managementUrls: readonly string[];
}

/** The installation that `eco up` started. */
export function nativeInstallation(dataDir: string, layout: Layout): Installation {
  const { groups, brokers: nodes, services } = layout;
  trustLayout(layout);
  return {
    dir: dataDir,
    serviceFiles: services.map(({ name }) => serviceSecretsFile(dataDir, name)),
    passwordFiles: groups.map(({ id }) => path.join(dataDir, 'postgres', id, 'replicator.pgpass')),
    certificateFiles: [
      ...groups.flatMap((group) => group.nodes.map(({ name }) => path.join(dataDir, 'postgres', group.id, name))),
      ...nodes.map(({ name }) => path.join(dataDir, 'rabbitmq', name)),
    ].map((dir) => path.join(dir, CERTIFICATE_FILE)),
    groups,
    managementUrls: nodes.map(managementUrlOf),
  };
}

/** The installation of compose.yaml, as a job in a container sees it. `dir`: where the volumes are mounted. */
export async function composeInstallation(dir: string): Promise<Installation> {
  const groupIds = await readGroups(dir);
  const authority = await readAuthority(allDir(dir));
  trustAuthority(authority);
  return {
    dir: allDir(dir),
    serviceFiles: serviceFolders(dir, groupIds, await readBranches(dir)).map((folder) =>
      path.join(folder, 'secrets.json'),
    ),
    passwordFiles: groupIds.map((id) => path.join(dir, id, 'replicator.pgpass')),
    certificateFiles: [
      ...groupIds.flatMap((id) => groupOf(id).nodes.map(({ name }) => path.join(dir, id, `${name}.pem`))),
      ...brokers.map(({ name }) => path.join(dir, 'brokers', `${name}.pem`)),
      path.join(dir, 'nginx', CERTIFICATE_FILE),
    ],
    groups: groupIds.map((id) => signedGroup(groupOf(id), authority)),
    managementUrls: brokers.map(({ host }) => baseUrl({ host, port: MANAGEMENT_PORT, authority })),
  };
}
