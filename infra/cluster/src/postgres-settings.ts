import { TLS_VERSION_MIN } from '@eco/base';
import { databaseRoles, slotName } from '@eco/database';
import { DATABASE_NAME } from '@eco/postgres';
import { ARCHIVE_TIMEOUT_S } from './backup/repository.js';
import { SMALL_DISK_MB } from './description.js';
import { HOST, type DatabaseNode } from './layout.js';

/** Prefix of each line of a database's log; programs that read the logs need it. */
export const LOG_LINE_PREFIX = '%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ';

/**
 * Settings of a database server, as a process or in a container. They are the same on every node of a group, whatever
 * its role, so a promoted replica continues as the primary did. They are written again at each start; ALTER SYSTEM
 * settings of an operator take precedence.
 */
export interface ServerSettings {
  readonly node: DatabaseNode;
  /** All nodes of the group. */
  readonly nodes: readonly DatabaseNode[];
  /** The node that this node gets its log from, if it is a replica. */
  readonly primary: DatabaseNode;
  readonly passwordFile: string;
  /** Addresses on which it listens; `*`: all. */
  readonly listenAddresses: string;
  /** True: the disk has only `SMALL_DISK_MB`. */
  readonly smallDisk: boolean;
  /** Absent: nothing is encrypted. */
  readonly tls?: ServerTls | undefined;
  /** Command that archives a segment of the log, if the server is the primary. Absent: the log is not archived. */
  readonly archiveCommand?: string | undefined;
  /**
   * Folder of the Unix socket by which Patroni reaches the server. Patroni then owns sources, slots and the names whose
   * copies count, so the settings lack them. Absent: the settings state them, and there is no socket.
   */
  readonly patroniSocketDir?: string | undefined;
}

/** What must be equal on all nodes of a group. Patroni sets it on the command line of the server, so it needs it, too. */
export const groupSettings = {
  wal_level: 'replica',
  // The sum of the roles' limits is smaller (`roleLimits` of @eco/database).
  max_connections: 100,
  max_wal_senders: 10,
  max_replication_slots: 10,
} as const;

/** Log that a primary keeps without regard to slots. */
export const WAL_KEEP_SIZE = '1GB';

/** Files of a server with TLS. */
export interface ServerTls {
  /** The server's certificate and its key. */
  readonly certificateFile: string;
  /** The certificate by which clients verify the server. */
  readonly authorityFile: string;
}

export function serverSettings(server: ServerSettings): string {
  const { node, nodes, listenAddresses, smallDisk, tls, archiveCommand, patroniSocketDir } = server;
  const settings: Record<string, string | number> = {
    cluster_name: node.name,
    listen_addresses: listenAddresses,
    port: node.port,
    // By default no socket file: its path may have at most 107 characters, and a data folder's path can be longer.
    unix_socket_directories: patroniSocketDir ?? '',
    ...groupSettings,
    // A connection takes a slot before it has logged in.
    authentication_timeout: '15s',
    // The slot of a client that was cut off is freed soon. By default its session would stay for two hours.
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 3,
    tcp_user_timeout: '25s',
    shared_buffers: '256MB',
    // A session may raise its own work_mem, but not this limit of the disk space that a sort takes. `rolesSql` has the
    // exceptions.
    temp_file_limit: smallDisk ? `${SMALL_DISK_MB / 8}MB` : '1GB',
    password_encryption: 'scram-sha-256',
    ...(tls && {
      ssl: 'on',
      ssl_cert_file: tls.certificateFile,
      ssl_key_file: tls.certificateFile,
      ssl_min_protocol_version: TLS_VERSION_MIN,
    }),

    ...(patroniSocketDir === undefined && {
      // A commit waits until one of the other nodes has it on disk. The setting names them, because with `*` an unknown
      // node would count.
      synchronous_standby_names: nodes.length > 1 ? `ANY 1 (${nodes.map(({ name }) => `"${name}"`).join(', ')})` : '',
      primary_conninfo: primaryConnection(server),
      primary_slot_name: slotOf(node),
    }),
    wal_sender_timeout: '5s',
    wal_receiver_timeout: '5s',
    // Limit of the log that is kept for an absent replica. Beyond it the replica must be copied again.
    ...(smallDisk
      ? {
          max_slot_wal_keep_size: `${SMALL_DISK_MB / 4}MB`,
          wal_keep_size: `${SMALL_DISK_MB / 8}MB`,
          max_wal_size: `${SMALL_DISK_MB / 4}MB`,
        }
      : { max_slot_wal_keep_size: '2GB', wal_keep_size: WAL_KEEP_SIZE, max_wal_size: '2GB' }),
    wal_compression: 'on',
    ...(archiveCommand !== undefined && {
      archive_mode: 'on',
      archive_command: archiveCommand,
      archive_timeout: ARCHIVE_TIMEOUT_S,
    }),

    hot_standby: 'on',
    // Replicas report which rows their reads still need, so vacuum does not cancel those reads.
    hot_standby_feedback: 'on',
    max_standby_streaming_delay: '5s',
    // The same for received log that a detached replica replays; a failover waits for it.
    max_standby_archive_delay: '5s',
    wal_receiver_status_interval: '1s',
    wal_retrieve_retry_interval: '500ms',

    // Hot rows are few and change often; vacuum keeps up with them if it runs often.
    autovacuum_naptime: '10s',

    log_destination: 'stderr',
    logging_collector: 'off',
    // pgBadger reads this format if its option --prefix has the same text.
    log_line_prefix: LOG_LINE_PREFIX,
    log_timezone: 'UTC',
    timezone: 'UTC',
    lc_messages: 'C',
    log_checkpoints: 'on',
    log_lock_waits: 'on',
    log_temp_files: 0,
    log_autovacuum_min_duration: '1s',
    // Logs all slow statements and one in a hundred of the others, so that a report shows where most time is spent.
    log_min_duration_statement: '250ms',
    log_min_duration_sample: '0ms',
    log_statement_sample_rate: 0.01,
    // Logs each session with its user, address and duration, and each change of a role, a right or a table.
    log_connections: 'on',
    log_disconnections: 'on',
    log_statement: 'ddl',
    // Does not log failed statements, their parameters and the details of their errors: they may contain data that must
    // not be in a log.
    log_min_error_statement: 'panic',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    log_error_verbosity: 'terse',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : quoted(value)}\n`)
    .join('');
}

/**
 * Access rules: a password is always needed, and the client must be in `range`, by default this machine. A role may log
 * in only to the database that it works in, with `tls` only over TLS. PostgreSQL refuses a connection that no rule names.
 */
export function hostBasedAccess({
  range = `${HOST}/32`,
  tls = false,
}: { range?: string | undefined; tls?: boolean } = {}): string {
  const access: readonly [database: string, users: string][] = [
    ['all', 'postgres'],
    [DATABASE_NAME, databaseRoles.join(',')],
    ['replication', 'eco_replicator'],
  ];
  const type = tls ? 'hostssl' : 'host';
  return access.map(([database, users]) => `${type}  ${database}  ${users}  ${range}  scram-sha-256\n`).join('');
}

export function slotOf(node: Pick<DatabaseNode, 'name'>): string {
  return slotName(node.name);
}

/** The conninfo by which `node` reaches `primary` to copy its log. */
export function primaryConnection({
  node,
  primary,
  passwordFile,
  tls,
}: Pick<ServerSettings, 'node' | 'primary' | 'passwordFile' | 'tls'>): string {
  const words = {
    host: primary.host,
    port: String(primary.port),
    user: 'eco_replicator',
    application_name: node.name,
    passfile: passwordFile,
    ...(tls && { sslmode: 'verify-full', sslrootcert: tls.authorityFile }),
  };
  return Object.entries(words)
    .map(([name, value]) => `${name}='${value.replace(/[\\']/g, '\\$&')}'`)
    .join(' ');
}

export function quoted(value: string): string {
  return `'${value.replace(/'/g, "''")}'`;
}
