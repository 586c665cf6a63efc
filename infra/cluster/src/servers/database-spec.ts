import path from 'node:path';
import { presentPasswords, type Password } from '@eco/base';
import { authorityFile, certificateFor, serverHosts, type Authority } from '../authority.js';
import type { DatabaseNode } from '../layout.js';
import { hostBasedAccess, serverSettings, slotOf, type ServerTls } from '../postgres-settings.js';
import { passwordLine } from '../secrets.js';
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
  const { node, nodes, primary, isSupervised, superuserPassword, place } = server;
  const { filesDir, authority } = place;
  const settings = serverSettings({
    node,
    nodes,
    primary,
    passwordFile: path.join(filesDir, REPLICATOR_FILE),
    listenAddresses: place.listenAddresses,
    smallDisk: place.smallDisk,
    tls: databaseTls(server),
    archiveCommand: place.archiveCommand,
  });
  const variables = {
    data: place.dataDir,
    slot: slotOf(node),
    nodes: nodes.map(({ host }) => host).join(' '),
    primary: primary.name,
    primary_host: primary.host,
    primary_port: String(primary.port),
    is_supervised: isSupervised ? 'yes' : '',
  };
  return {
    name: node.name,
    files: {
      [START_SCRIPT]: await startScript('postgres'),
      [`${node.name}.env`]: shellVariables(variables),
      [`${node.name}.conf`]: settings,
      'pg_hba.conf': hostBasedAccess({ range: place.clients, tls: authority !== undefined }),
      [REPLICATOR_FILE]: passwordLine('eco_replicator', server.replicatorPassword),
      [SUPERUSER_FILE]: `${presentPasswords(superuserPassword)[0] ?? ''}\n`,
      ...(authority && {
        [certificateFile(node)]: await certificateFor(authority, serverHosts(node)),
        [path.basename(authorityFile(filesDir))]: authority.certificate,
      }),
    },
  };
}

/** The files by which a node encrypts. Undefined: nothing is encrypted. */
export function databaseTls({ node, place }: Pick<DatabaseServer, 'node' | 'place'>): ServerTls | undefined {
  const { filesDir, authority } = place;
  return (
    authority && { certificateFile: path.join(filesDir, certificateFile(node)), authorityFile: authorityFile(filesDir) }
  );
}
