import path from 'node:path';
import { managementUrlOf, serversOf, trustLayout, type Layout } from '../layout.js';
import type { Installation } from '../rotation/installation.js';
import { serviceSecretsFile } from '../secrets.js';
import { REPLICATOR_FILE } from '../servers/database-spec.js';
import { certificateFile } from '../servers/server-spec.js';
import { filesDirOf } from './start-script.js';

/** The installation that `eco up` started. */
export function nativeInstallation(dataDir: string, layout: Layout): Installation {
  const { groups, brokers: nodes, services } = layout;
  trustLayout(layout);
  const databases = groups.flatMap((group) => group.nodes);
  return {
    dir: dataDir,
    serviceFiles: services.map(({ name }) => serviceSecretsFile(dataDir, name)),
    passwordFiles: databases.map(({ name }) => path.join(filesDirOf(dataDir, name), REPLICATOR_FILE)),
    certificateFiles: serversOf(layout).map((node) => path.join(filesDirOf(dataDir, node.name), certificateFile(node))),
    groups,
    managementUrls: nodes.map(managementUrlOf),
  };
}
