import type { DatabaseNode } from '../layout.js';
import { groupSettings, WAL_KEEP_SIZE, type ServerTls } from '../postgres-settings.js';

/** What Patroni needs to know about the group and about etcd, in which it stores which node is the primary. */
export interface PatroniCluster {
  readonly groupId: string;
  /** Addresses of etcd for clients, as host:port. */
  readonly etcd: readonly string[];
  /** Port at which the Patronis of a group and `patronictl` reach each other. */
  readonly port: number;
}

interface PatroniNode {
  readonly node: DatabaseNode;
  readonly patroni: PatroniCluster;
  readonly tls: ServerTls;
  /** The access rules of the server. */
  readonly access: string;
  /** Addresses of clients. */
  readonly clients: string;
  readonly dataDir: string;
  /** The server's own settings. */
  readonly settingsFile: string;
  /** Command that runs once after initdb, with the address of the server. */
  readonly afterInit: string;
}

/** Folder of the server's Unix socket, by which Patroni logs in without a password: it runs as the same user. */
export const PATRONI_SOCKET_DIR = '/tmp';

/** A link to the file with the replicator's password, which Patroni names to the server. */
export const PATRONI_PASSWORD_FILE = `${PATRONI_SOCKET_DIR}/pgpass`;

/**
 * The group's settings of Patroni. They are written into etcd when the group is initialised; later `patronictl
 * edit-config` changes them.
 */
export const patroniGroupSettings = {
  // A primary that does not renew its leadership within this time is replaced. Patroni allows no less.
  ttl: 20,
  loop_wait: 1,
  // Time for an answer of etcd; ttl ≥ loop_wait + 2 × retry_timeout.
  retry_timeout: 5,
  // A commit waits until any one of the listed replicas has it on disk, also if there is none.
  synchronous_mode: 'quorum',
  synchronous_mode_strict: true,
  synchronous_node_count: 1,
  // A primary whose server has ended is replaced at once instead of started again.
  primary_start_timeout: 0,
  // Without etcd the primary goes on while it reaches all other nodes of its group.
  failsafe_mode: true,
  // Not `maximum_lag_on_failover: 0`: with it a group can remain without a primary. Only a replica that has
  // all confirmed commits can be promoted anyway, because the mode is strict.
} as const;

/** The file of Patroni, in JSON, which is YAML, too. It contains no password: libpq reads the replicator's from its file. */
export function patroniSettings(server: PatroniNode): string {
  const { node, patroni, tls, access, clients, dataDir } = server;
  const { certificateFile, authorityFile } = tls;
  const peer = { sslmode: 'verify-full', sslrootcert: authorityFile };
  const settings = {
    scope: patroni.groupId,
    namespace: '/ecomarket/',
    name: node.name,
    restapi: {
      listen: `0.0.0.0:${patroni.port}`,
      connect_address: `${node.host}:${patroni.port}`,
      certfile: certificateFile,
      keyfile: certificateFile,
      cafile: authorityFile,
      verify_client: 'required',
    },
    // Requests to the other nodes, of Patroni itself and of patronictl.
    ctl: { certfile: certificateFile, keyfile: certificateFile, cacert: authorityFile },
    etcd3: {
      hosts: patroni.etcd,
      protocol: 'https',
      cacert: authorityFile,
      cert: certificateFile,
      key: certificateFile,
    },
    // Containers have none.
    watchdog: { mode: 'off' },
    bootstrap: {
      dcs: {
        ...patroniGroupSettings,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          remove_data_directory_on_rewind_failure: true,
          // A node with a history that pg_rewind can't mend is copied.
          remove_data_directory_on_diverged_timelines: true,
          parameters: { ...groupSettings, wal_keep_size: WAL_KEEP_SIZE },
        },
      },
      initdb: [
        { 'auth-host': 'scram-sha-256' },
        { 'auth-local': 'peer' },
        { encoding: 'UTF8' },
        { locale: 'C.UTF-8' },
        'data-checksums',
        'no-instructions',
      ],
      post_init: server.afterInit,
    },
    postgresql: {
      listen: `*:${node.port}`,
      connect_address: `${node.host}:${node.port}`,
      data_dir: dataDir,
      custom_conf: server.settingsFile,
      // The start script makes it, because Patroni wants a folder in which it could write.
      pgpass: PATRONI_PASSWORD_FILE,
      use_unix_socket: true,
      parameters: { unix_socket_directories: PATRONI_SOCKET_DIR },
      authentication: {
        superuser: { username: 'postgres' },
        replication: { username: 'eco_replicator', ...peer },
        // It may copy every file of the server anyway.
        rewind: { username: 'eco_replicator', ...peer },
      },
      basebackup: [{ checkpoint: 'fast' }],
      pg_hba: [
        'local all postgres peer',
        // pg_rewind logs in to a database.
        `hostssl postgres eco_replicator ${clients} scram-sha-256`,
        ...access.trimEnd().split('\n'),
      ],
    },
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}
