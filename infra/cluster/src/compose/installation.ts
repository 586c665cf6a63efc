import path from 'node:path';
import { baseUrl, trustAuthority } from '@eco/base';
import { CERTIFICATE_FILE, readAuthority } from '../authority.js';
import { signedGroup } from '../layout.js';
import type { Installation } from '../rotation/installation.js';
import { REPLICATOR_FILE } from '../servers/database-spec.js';
import { certificateFile } from '../servers/server-spec.js';
import { brokers, etcds, groupOf, MANAGEMENT_PORT } from './addresses.js';
import { allDir, readBranches, readGroups, serviceFolders } from './configure.js';

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
    passwordFiles: groupIds.map((id) => ({ role: 'eco_replicator', file: path.join(dir, id, REPLICATOR_FILE) })),
    certificateFiles: [
      ...groupIds.flatMap((id) => groupOf(id).nodes.map((node) => path.join(dir, id, certificateFile(node)))),
      ...etcds.map((node) => path.join(dir, 'etcd', certificateFile(node))),
      ...brokers.map((node) => path.join(dir, 'brokers', certificateFile(node))),
      path.join(dir, 'nginx', CERTIFICATE_FILE),
    ],
    groups: groupIds.map((id) => signedGroup(groupOf(id), authority)),
    managementUrls: brokers.map(({ host }) => baseUrl({ host, port: MANAGEMENT_PORT, authority })),
  };
}
