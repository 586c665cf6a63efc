import path from 'node:path';
import { presentPasswords, type Password } from '@eco/base';
import { authorityFile, certificateFor, serverHosts, type Authority } from '../authority.js';
import type { DatabaseNode } from '../layout.js';
import { hostBasedAccess, serverSettings, slotOf, type ServerTls } from '../postgres-settings.js';
import { passwordLine } from '../secrets.js';
import { PATRONI_PASSWORD_FILE, PATRONI_SOCKET_DIR, patroniSettings, type PatroniCluster } from './patroni-settings.js';
import { certificateFile, shellVariables, START_SCRIPT, startScript, type ServerSpec } from './server-spec.js';

/** A node of a database group. Nodes have the addresses by which they reach each other. */
export interface DatabaseServer {
  readonly node: DatabaseNode;
  /** All nodes of the group. */
  readonly nodes: readonly DatabaseNode[];
  readonly primary: DatabaseNode;
  /** True: `primary` is the present one. False: it is the one that the group began with. */
  readonly isSupervised: boolean;
  readonly superuserPassword: Password;
  readonly replicatorPassword: string;
  readonly place: DatabasePlace;
  /**
   * Patroni decides which node is the primary, copies and rewinds; it needs an authority. Absent: the start script and a
   * supervisor do.
   */
  readonly patroni?: PatroniCluster | undefined;
}

/** What a provider gives a node. Folders have the names by which the node knows them. */
export interface DatabasePlace {
  readonly filesDir: string;
  readonly dataDir: string;
  /** Addresses on which it listens; `*`: all. */
  readonly listenAddresses: string;
  /** Addresses of clients, such as 10.0.0.0/8. */
  readonly clients: string;
  /** True: the disk has only `SMALL_DISK_MB`. */
  readonly smallDisk: boolean;
  /** Absent: nothing is encrypted. */
  readonly authority?: Authority | undefined;
  /** Command that archives a segment of the log, if the node is the primary. Absent: the log is not archived. */
  readonly archiveCommand?: string | undefined;
}

/** File with the password by which a replica logs in to its primary. */
export const REPLICATOR_FILE = 'replicator.pgpass';
/** File with the superuser's password. The script needs it to make a primary, and to rewind a node. */
export const SUPERUSER_FILE = 'superuser-password';

export async function databaseSpec(server: DatabaseServer): Promise<ServerSpec> {
  const { node, nodes, primary, isSupervised, superuserPassword, place, patroni } = server;
  const { filesDir, authority } = place;
  const tls = databaseTls(server);
  const settings = serverSettings({
    node,
    nodes,
    primary,
    passwordFile: path.join(filesDir, REPLICATOR_FILE),
    listenAddresses: place.listenAddresses,
    smallDisk: place.smallDisk,
    tls,
    archiveCommand: place.archiveCommand,
    patroniSocketDir: patroni && PATRONI_SOCKET_DIR,
  });
  const access = hostBasedAccess({ range: place.clients, tls: authority !== undefined });
  const variables = {
    data: place.dataDir,
    slot: slotOf(node),
    nodes: nodes.map(({ host }) => host).join(' '),
    primary: primary.name,
    primary_host: primary.host,
    primary_port: String(primary.port),
    is_supervised: isSupervised ? 'yes' : '',
    patroni: patroni ? path.join(filesDir, patroniFile(node)) : '',
    patroni_password_file: PATRONI_PASSWORD_FILE,
  };
  return {
    name: node.name,
    files: {
      [START_SCRIPT]: await startScript('postgres'),
      [`${node.name}.env`]: shellVariables(variables),
      [`${node.name}.conf`]: settings,
      'pg_hba.conf': access,
      ...(patroni &&
        tls && {
          [patroniFile(node)]: patroniSettings({
            ...{ node, patroni, tls, access },
            clients: place.clients,
            dataDir: place.dataDir,
            settingsFile: path.join(filesDir, `${node.name}.conf`),
            afterInit: `bash ${path.join(filesDir, START_SCRIPT)} ${node.name} after-init`,
          }),
        }),
      [REPLICATOR_FILE]: passwordLine('eco_replicator', server.replicatorPassword),
      [SUPERUSER_FILE]: `${presentPasswords(superuserPassword)[0] ?? ''}\n`,
      ...(authority && {
        [certificateFile(node)]: await certificateFor(authority, serverHosts(node), {
          isClient: patroni !== undefined,
        }),
        [path.basename(authorityFile(filesDir))]: authority.certificate,
      }),
    },
  };
}

function patroniFile({ name }: Pick<DatabaseNode, 'name'>): string {
  return `${name}.patroni.yml`;
}

/** The files by which a node encrypts. Undefined: nothing is encrypted. */
export function databaseTls({ node, place }: Pick<DatabaseServer, 'node' | 'place'>): ServerTls | undefined {
  const { filesDir, authority } = place;
  return (
    authority && { certificateFile: path.join(filesDir, certificateFile(node)), authorityFile: authorityFile(filesDir) }
  );
}
