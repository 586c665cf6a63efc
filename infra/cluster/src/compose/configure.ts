import { hostPort } from '@eco/base';
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  authorityFile,
  CERTIFICATE_FILE,
  certificateFor,
  openAuthority,
  serverHosts,
  tlsSecretsFor,
  type Authority,
} from '../authority.js';
import { PROJECT_DIR } from '../description.js';
import type { App, GroupLayout } from '../layout.js';
import { Refused } from '../refused.js';
import {
  openSecrets,
  serviceSecrets,
  writeSecretFile,
  type Secrets,
  type ServiceIdentity,
  type TlsSecrets,
} from '../secrets.js';
import { brokerSpec } from '../servers/broker-spec.js';
import { databaseSpec } from '../servers/database-spec.js';
import { etcdSpec } from '../servers/etcd-spec.js';
import type { ServerSpec } from '../servers/server-spec.js';
import {
  AMQP_PORT,
  BRANCH_CONTAINERS,
  CENTRALS,
  ETCD_PEER_PORT,
  ETCD_PORT,
  METRICS_PORT,
  PATRONI_PORT,
  WRITERS,
  brokers,
  etcds,
  FILES_DIR,
  FIRST_GROUP,
  groupOf,
  MANAGEMENT_PORT,
  READ_PORT,
} from './addresses.js';

/**
 * The first job of compose.yaml, before any server: it creates passwords and settings. Each container's volume gets
 * only the files that the container needs, readable only by its user. So no password is in an environment, an argument
 * or a folder of the machine, and nothing is mounted from the clone. The job may run at every start, and existing
 * passwords stay.
 */

/** Users of the images. The services' image uses `node`. */
const users = {
  postgres: 999,
  etcd: 2379,
  rabbitmq: 999,
  nginx: 101,
  node: 1000,
  prometheus: 65_534,
  grafana: 472,
} as const;
type User = keyof typeof users;

const SECRETS_FILE = 'secrets.json';
/** Mount point of the volume of what a branch stores. */
const BRANCH_DIR = '/var/lib/ecomarket/branch';

/** The APIs of the head office, which know keys of access tokens. */
const apps: readonly App[] = ['central-api', 'read-service'];

/** Requests a group beyond the first. Each start makes its requests, and `configure` then reads them. */
export async function wantGroup(dir: string, groupId: string): Promise<void> {
  await mkdir(wantedDir(dir), { recursive: true });
  await writeFile(path.join(wantedDir(dir), groupId), '');
}

/**
 * `dir` has a folder for each container's volume. `hosts`: further host names by which clients reach the services.
 * Throws a `Refused` if the data belongs to other groups, or if there are more branches than containers for them.
 */
export async function configure(
  dir: string,
  branchIds: readonly string[],
  hosts: readonly string[] = [],
): Promise<void> {
  const branches = branchesOf(branchIds);
  const groupIds = await settleGroups(dir);
  const secrets = await openSecrets(allDir(dir), { branchIds, groupIds });
  await writeFile(branchesFile(dir), JSON.stringify(branchIds));
  const authority = await openAuthority(allDir(dir));
  await give(path.join(allDir(dir), 'secrets'), 'node');

  for (const app of apps) {
    const names = [...(app === 'central-api' ? CENTRALS : []), ...hosts];
    const tls = await tlsSecretsFor(authority, [...localHosts(app), ...names]);
    await configureService(path.join(dir, app), { app }, groupIds, secrets, tls);
  }
  for (const { branchId, container } of branches) {
    const service = { app: 'sucursal-api', branchId } as const;
    const tls = await tlsSecretsFor(authority, [...localHosts(container), ...hosts]);
    await configureService(path.join(dir, container), service, groupIds, secrets, tls);
  }
  for (const groupId of groupIds) {
    const service = { app: 'shard-writer', groupId } as const;
    const tls = await tlsSecretsFor(authority, [...localHosts('shard-writer'), ...WRITERS]);
    await configureService(path.join(dir, writersDir(groupId)), service, groupIds, secrets, tls);
  }
  for (const groupId of groupIds) await configureGroup(path.join(dir, groupId), groupOf(groupId), secrets, authority);
  await configureEtcd(path.join(dir, 'etcd'), authority);
  await configureBrokers(path.join(dir, 'brokers'), secrets, authority);
  for (const volume of ['journals', ...BRANCH_CONTAINERS.map(dataDirOf)])
    await chown(path.join(dir, volume), users.node, users.node);
  await write(
    path.join(dir, 'nginx', CERTIFICATE_FILE),
    await certificateFor(authority, [...localHosts('nginx'), ...hosts]),
    'nginx',
  );
  await writeAuthority(path.join(dir, 'nginx'), authority, 'nginx');
  await copyFiles('nginx', path.join(dir, 'nginx'), 'nginx');
  await writeAuthority(path.join(dir, 'prometheus'), authority, 'prometheus');
  await copyFiles('prometheus', path.join(dir, 'prometheus'), 'prometheus');
  await copyFiles('alertmanager', path.join(dir, 'alertmanager'), 'prometheus');
  await configureExporter(path.join(dir, 'postgres-exporter'), secrets, authority);
  await configureGrafana(path.join(dir, 'grafana'));
}

/** Folder of everything that `configure` created, for the other jobs. */
export function allDir(dir: string): string {
  return path.join(dir, 'all');
}

export async function readGroups(dir: string): Promise<readonly string[]> {
  return groupsSchema.parse(JSON.parse(await readFile(groupsFile(dir), 'utf8')));
}

const groupsSchema = z.array(z.string()).min(1);

/** A branch, and the container that serves it. */
interface ComposeBranch {
  readonly branchId: string;
  readonly container: string;
}

/** The branches of the last start. */
export async function readBranches(dir: string): Promise<readonly ComposeBranch[]> {
  return branchesOf(z.array(z.string()).parse(JSON.parse(await readFile(branchesFile(dir), 'utf8'))));
}

function branchesOf(branchIds: readonly string[]): ComposeBranch[] {
  if (branchIds.length > BRANCH_CONTAINERS.length) {
    throw new Refused(
      `ECO_BRANCHES names ${branchIds.length} branches, and compose.yaml has containers of ${BRANCH_CONTAINERS.length}`,
    );
  }
  return BRANCH_CONTAINERS.slice(0, branchIds.length).map((container, index) => {
    return { container, branchId: branchIds[index] ?? '' };
  });
}

/** The volume of what a branch stores. */
function dataDirOf(container: string): string {
  return container.replace('sucursal-api', 'branch');
}

/**
 * The groups of this cluster. The first start fixes them, because they share the buckets and nothing moves buckets yet.
 */
async function settleGroups(dir: string): Promise<readonly string[]> {
  const wanted = [FIRST_GROUP, ...(await readdir(wantedDir(dir)).catch(() => [])).sort()];
  await rm(wantedDir(dir), { recursive: true, force: true });
  const made = await readGroups(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (made === undefined) await writeFile(groupsFile(dir), JSON.stringify(wanted));
  else if (made.join() !== wanted.join()) {
    const profiles = made.slice(1).map((id) => `--profile ${id}`);
    const how = profiles.length > 0 ? `start with ${profiles.join(' ')}` : 'start without a profile of a group';
    throw new Refused(
      `the data is that of ${made.join(' and ')}, not of ${wanted.join(' and ')}: ${how}, or remove the data (down -v)`,
    );
  }
  return wanted;
}

/** The folders of the services' files. */
export function serviceFolders(dir: string, groupIds: readonly string[], branches: readonly ComposeBranch[]): string[] {
  const containers = branches.map(({ container }) => container);
  return [...apps, ...containers, ...groupIds.map(writersDir)].map((name) => path.join(dir, name));
}

/** The writers of each group have a volume of their own, because each group has a broker user. */
function writersDir(groupId: string): string {
  return groupId === FIRST_GROUP ? 'shard-writer' : `shard-writer-${groupId}`;
}

async function configureService(
  dir: string,
  service: ServiceIdentity,
  groupIds: readonly string[],
  secrets: Secrets,
  tls: TlsSecrets,
): Promise<void> {
  const groups = groupIds.map((id) => {
    const nodes = groupOf(id).nodes.map(hostPort);
    return `${id}=${nodes.join(',')}`;
  });
  const settings = {
    ECO_BROKERS: brokers.map(({ host }) => `${host}:${AMQP_PORT}`).join(','),
    ...(service.app === 'sucursal-api'
      ? {
          ECO_BRANCH_ID: service.branchId ?? '',
          ECO_BRANCH_DIR: `${BRANCH_DIR}/${service.branchId ?? ''}`,
          ECO_GROUP_IDS: groupIds.join(','),
          ECO_READ_SERVICES: `https://read-service:${READ_PORT}`,
        }
      : { ECO_GROUPS: groups.join(';') }),
    ECO_SECRETS_FILE: `${FILES_DIR}/${SECRETS_FILE}`,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}="${value}"\n`);
  await write(path.join(dir, 'cluster.env'), lines.join(''), 'node');
  await write(path.join(dir, SECRETS_FILE), serviceSecrets(service, secrets, tls), 'node');
  // The health check reads it.
  await write(authorityFile(dir), tls.authority, 'node');
}

async function configureGroup(
  dir: string,
  { id, nodes }: GroupLayout,
  secrets: Secrets,
  authority: Authority,
): Promise<void> {
  for (const node of nodes) {
    const spec = await databaseSpec({
      node,
      nodes,
      primary: nodes[0],
      isSupervised: false,
      superuserPassword: secrets.database.postgres,
      replicatorPassword: secrets.database.eco_replicator,
      place: {
        filesDir: FILES_DIR,
        dataDir: '/var/lib/postgresql/data/node',
        listenAddresses: '*',
        clients: 'all',
        smallDisk: false,
        authority,
      },
      patroni: { groupId: id, etcd: etcds.map(({ host }) => `${host}:${ETCD_PORT}`), port: PATRONI_PORT },
    });
    await writeFiles(dir, spec, 'postgres');
  }
}

async function configureEtcd(dir: string, authority: Authority): Promise<void> {
  for (const node of etcds) {
    const spec = await etcdSpec({
      node,
      nodes: etcds,
      clientPort: ETCD_PORT,
      peerPort: ETCD_PEER_PORT,
      place: { filesDir: FILES_DIR, dataDir: '/var/lib/etcd', authority },
    });
    await writeFiles(dir, spec, 'etcd');
  }
}

async function configureBrokers(dir: string, secrets: Secrets, authority: Authority): Promise<void> {
  const peers = brokers.map(({ name, host }) => ({ name, host, amqpPort: AMQP_PORT, erlangName: `rabbit@${host}` }));
  for (const node of peers) {
    const spec = await brokerSpec({
      node,
      nodes: peers,
      managementPort: MANAGEMENT_PORT,
      metricsPort: METRICS_PORT,
      administratorPassword: secrets.broker.topology,
      cookie: secrets.cookie,
      place: {
        filesDir: FILES_DIR,
        home: '/var/lib/rabbitmq',
        dataDir: '/var/lib/rabbitmq/mnesia',
        smallDisk: false,
        authority,
      },
    });
    await writeFiles(dir, spec, 'rabbitmq');
  }
}

/** The servers of a kind share a volume, so each writes the files that are the same for all. */
async function writeFiles(dir: string, { files }: ServerSpec, user: User): Promise<void> {
  for (const [name, text] of Object.entries(files)) await write(path.join(dir, name), text, user);
}

/** The exporter's file in JSON, which is YAML, too. */
async function configureExporter(dir: string, secrets: Secrets, authority: Authority): Promise<void> {
  const settings = {
    auth_modules: {
      eco: {
        type: 'userpass',
        userpass: { username: 'eco_monitor', password: secrets.database.eco_monitor },
        options: { sslmode: 'verify-full', sslrootcert: authorityFile(FILES_DIR) },
      },
    },
  };
  await write(path.join(dir, 'postgres_exporter.yml'), JSON.stringify(settings), 'prometheus');
  await writeAuthority(dir, authority, 'prometheus');
}

/** Grafana takes the password at its first start only, so an existing one stays. */
async function configureGrafana(dir: string): Promise<void> {
  await copyFiles('grafana', dir, 'grafana');
  const file = path.join(dir, 'admin-password');
  const password = await readFile(file, 'utf8').catch(() => randomBytes(24).toString('base64url'));
  await write(file, password, 'grafana');
}

/** Host names and addresses of a container, also by a port of the machine. */
function localHosts(name: string): string[] {
  return serverHosts({ name, host: name });
}

async function writeAuthority(dir: string, { certificate }: Authority, user: User): Promise<void> {
  await write(authorityFile(dir), certificate, user);
}

async function write(file: string, text: string, user: User): Promise<void> {
  await writeSecretFile(file, text, undefined, { uid: users[user], gid: users[user] });
}

/** Copies the files of `infra/docker/<folder>`, with those in its folders. */
async function copyFiles(folder: string, dir: string, user: User): Promise<void> {
  const source = path.join(PROJECT_DIR, 'infra/docker', folder);
  await cp(source, dir, { recursive: true });
  for (const name of await readdir(source, { recursive: true })) {
    await chown(path.join(dir, name), users[user], users[user]);
  }
}

async function give(dir: string, user: User): Promise<void> {
  for (const name of ['.', ...(await readdir(dir))]) await chown(path.join(dir, name), users[user], users[user]);
}

function wantedDir(dir: string): string {
  return path.join(allDir(dir), 'wanted-groups');
}

function branchesFile(dir: string): string {
  return path.join(allDir(dir), 'branches.json');
}

function groupsFile(dir: string): string {
  return path.join(allDir(dir), 'groups.json');
}
