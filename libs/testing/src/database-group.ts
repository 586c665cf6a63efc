import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { loginRoles, prepareGroup, SideConnection, type Login, type LoginRole, type NodeAddress } from '@eco/database';
import { eventually } from './eventually.js';

/*
 * A database group of its own for a spec that corrupts, kills, stops or promotes: real servers on free ports, in a
 * folder that goes away with them. Up in about three seconds. Settings are those that the writer's rules stand on.
 */

export interface DatabaseServer extends NodeAddress {
  name: string;
  /** As `kill -9`, or stopped and continued. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** After a kill; waits until it answers. */
  start(): Promise<void>;
  /** A replica becomes primary. */
  promote(): Promise<void>;
}

export interface DatabaseGroup {
  id: string;
  buckets: number;
  /** The first one begins as primary. */
  servers: DatabaseServer[];
  login(role: LoginRole): Login;
  superuser: Login;
  /** Asks as superuser, in `ecomarket`; on the first server unless another is named. */
  asSuperuser<R extends Record<string, unknown>>(text: string, values?: unknown[], server?: NodeAddress): Promise<R[]>;
  stop(): Promise<void>;
}

export interface DatabaseGroupOptions {
  id?: string;
  /** All groups of the cluster, among which the buckets are divided. Default: this one alone. */
  groupIds?: readonly string[];
  /** Replicas beside the primary. Default 1. */
  replicas?: number;
  buckets?: number;
}

const run = promisify(execFile);
/** A question may wait for what a test holds up. */
const ASK_MS = 30_000;

export async function startDatabaseGroup(options: DatabaseGroupOptions = {}): Promise<DatabaseGroup> {
  const { id = 'g1', replicas = 1, buckets = 16 } = options;
  const groupIds = options.groupIds ?? [id];
  const programs = programsDir();
  const account = accountOf();
  const dir = mkdtempSync(path.join(tmpdir(), 'eco-test-group-'));
  if (account !== undefined) chownSync(dir, account.uid, account.gid);
  const password = randomBytes(16).toString('hex');
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, randomBytes(16).toString('hex')])) as Record<
    LoginRole,
    string
  >;
  const superuserLogin = { user: 'postgres', password };
  const names = Array.from({ length: 1 + replicas }, (_, index) => `${id}-${index + 1}`);
  const connections = new Map<number, SideConnection>();
  const processes = new Map<string, ChildProcess>();

  const call = (program: string, args: string[]) =>
    run(path.join(programs, program), args, { ...account, env: { ...process.env, PGPASSWORD: password }, cwd: dir });
  const asSuperuser: DatabaseGroup['asSuperuser'] = (text, values, { host, port } = primary) => {
    const known = connections.get(port);
    const connection = known ?? new SideConnection({ host, port }, superuserLogin, 'eco test');
    connections.set(port, connection);
    return connection.ask(text, values, ASK_MS);
  };

  const serverOf = (name: string, port: number): DatabaseServer => ({
    name,
    host: '127.0.0.1',
    port,
    signal(signal) {
      const pid = processes.get(name)?.pid;
      if (pid === undefined) return;
      // The receiver of the log is a child, and goes on when the parent alone stands still.
      for (const each of [pid, ...childrenOf(pid)]) process.kill(each, signal);
    },
    async start() {
      await exited(processes.get(name));
      const child = spawn(path.join(programs, 'postgres'), ['-D', path.join(dir, name), '-p', String(port)], {
        ...account,
        cwd: dir,
        stdio: 'ignore',
      });
      processes.set(name, child);
      await eventually(`${name} answers`, async () => {
        if (child.exitCode !== null) throw new Error(`postgres exited with ${child.exitCode}`);
        await call('psql', ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-c', 'SELECT 1', 'postgres']);
        return true;
      });
    },
    async promote() {
      await call('pg_ctl', ['promote', '-w', '-D', path.join(dir, name)]);
    },
  });
  const servers = await Promise.all(names.map(async (name) => serverOf(name, await freePort())));
  const [primary, ...others] = servers as [DatabaseServer, ...DatabaseServer[]];

  const stop = async () => {
    for (const connection of connections.values()) connection.close();
    for (const child of processes.values()) child.kill('SIGKILL');
    await Promise.all([...processes.values()].map(exited));
    rmSync(dir, { recursive: true, force: true });
  };

  try {
    const passwordFile = path.join(dir, 'password');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
    const data = path.join(dir, primary.name);
    await call('initdb', ['-D', data, '-U', 'postgres', '--pwfile', passwordFile, '-A', 'scram-sha-256', '--no-sync']);
    writeFileSync(path.join(data, 'postgresql.auto.conf'), settings(names));
    await primary.start();
    await prepareGroup({
      superuser: { ...addressOf(primary), ...superuserLogin },
      groupId: id,
      groupIds,
      buckets,
      passwords,
    });
    for (const replica of others) {
      const copy = path.join(dir, replica.name);
      const from = ['-h', primary.host, '-p', String(primary.port), '-U', 'postgres'];
      await call('pg_basebackup', [...from, '-D', copy, '-R', '-X', 'stream', '-c', 'fast', '--no-sync']);
      const source = `host=${primary.host} port=${primary.port} user=postgres password=${password} application_name=${replica.name}`;
      writeFileSync(path.join(copy, 'postgresql.auto.conf'), `${settings(names)}primary_conninfo = '${source}'\n`);
      await replica.start();
    }
    await eventually('all replicas stream', async () => {
      const rows = await asSuperuser(`SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'`);
      return rows.length === replicas;
    });
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    id,
    buckets,
    servers,
    login: (role) => ({ user: role, password: passwords[role] }),
    superuser: superuserLogin,
    asSuperuser,
    stop,
  };
}

function addressOf({ host, port }: NodeAddress): NodeAddress {
  return { host, port };
}

function settings(names: readonly string[]): string {
  const standbys = names.length > 1 ? `ANY 1 (${names.map((name) => `"${name}"`).join(', ')})` : '';
  return `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
synchronous_standby_names = '${standbys}'
hot_standby_feedback = on
wal_receiver_status_interval = 1s
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
wal_retrieve_retry_interval = 200ms
wal_keep_size = 256MB
shared_buffers = 64MB
max_connections = 50
`;
}

/** The newest PostgreSQL that is installed. */
function programsDir(): string {
  const debian = '/usr/lib/postgresql';
  const majors = readdirSync(debian)
    .map(Number)
    .sort((a, b) => b - a);
  return path.join(debian, String(majors[0]), 'bin');
}

/** PostgreSQL does not run as root. */
function accountOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function exited(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('exit', resolve));
}
