import path from 'node:path';
import { managementUrlOf, serversOf, trustLayout, type Layout } from '../layout.js';
import type { Installation } from '../rotation/installation.js';
import { serviceSecretsFile } from '../secrets.js';
import { REPLICATOR_FILE } from '../servers/database-spec.js';
import { certificateFile } from '../servers/server-spec.js';
import { EXPORTER_ROLE, exporterPasswordFile } from './observers.js';
import { filesDirOf } from './start-script.js';

/** The installation that `eco up` started. */
export function nativeInstallation(dataDir: string, layout: Layout): Installation {
  const { groups, brokers: nodes, services, observers = [] } = layout;
  trustLayout(layout);
  const databases = groups.flatMap((group) => group.nodes);
  return {
    dir: dataDir,
    serviceFiles: services.map(({ name }) => serviceSecretsFile(dataDir, name)),
    passwordFiles: [
      ...databases.map(({ name }) => ({
        role: 'eco_replicator' as const,
        file: path.join(filesDirOf(dataDir, name), REPLICATOR_FILE),
      })),
      ...observers
        .filter(({ program }) => program === 'postgres-exporter')
        .map((observer) => ({ role: EXPORTER_ROLE, file: exporterPasswordFile(dataDir, observer) })),
    ],
    certificateFiles: serversOf(layout).map((node) => path.join(filesDirOf(dataDir, node.name), certificateFile(node))),
    groups,
    managementUrls: nodes.map(managementUrlOf),
  };
}
