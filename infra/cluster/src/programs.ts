import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Observer } from './layout.js';

/** Places of the servers' programs on this machine. Their packages do not always put them on the PATH. */
export interface Programs {
  /** Folder with postgres, initdb, pg_basebackup … */
  readonly postgresDir: string;
  /** RabbitMQ's own start script. The script on the PATH changes the user and reads the machine's configuration. */
  readonly rabbitmqServer: string;
  /** The name service of the brokers; it comes with Erlang. */
  readonly epmd: string;
  /** Makes and restores backups. Undefined: not installed. */
  readonly pgbackrest: string | undefined;
  /** Undefined: one of them is not installed. */
  readonly observers: ObserverPrograms | undefined;
}

/** The programs of `Observer`, by full path. */
type ObserverPrograms = Readonly<Record<Observer['program'], string>>;

const observers = ['Prometheus', 'Alertmanager', 'the PostgreSQL exporter'] as const;

export type Server = 'PostgreSQL' | 'RabbitMQ' | 'pgBackRest' | (typeof observers)[number];

/** What a start needs beyond databases and brokers. */
export interface WantedPrograms {
  readonly backups?: boolean;
  readonly observability?: boolean;
}

const POSTGRES_MAJOR_MIN = 15;

/**
 * The programs, or the names of what is missing. During an upgrade two versions are installed, and ECO_POSTGRES_DIR and
 * ECO_RABBITMQ_DIR name the one to start.
 */
export function findPrograms({ backups = false, observability = false }: WantedPrograms = {}):
  Programs | { readonly missing: readonly Server[] } {
  const postgresDir = process.env['ECO_POSTGRES_DIR'] ?? findPostgresDir();
  const rabbitmqServer = findRabbitmqServer();
  const epmd = findEpmd();
  const pgbackrest = findOnPath('pgbackrest');
  // Debian names two of them after Prometheus.
  const found = {
    Prometheus: findOnPath('prometheus'),
    Alertmanager: findOnPath('prometheus-alertmanager') ?? findOnPath('alertmanager'),
    'the PostgreSQL exporter': findOnPath('prometheus-postgres-exporter') ?? findOnPath('postgres_exporter'),
  };
  const missing: Server[] = [];
  if (postgresDir === undefined) missing.push('PostgreSQL');
  if (rabbitmqServer === undefined || epmd === undefined) missing.push('RabbitMQ');
  if (backups && pgbackrest === undefined) missing.push('pgBackRest');
  if (observability) missing.push(...observers.filter((name) => found[name] === undefined));
  if (missing.length > 0 || postgresDir === undefined || rabbitmqServer === undefined || epmd === undefined) {
    return { missing };
  }
  return { postgresDir, rabbitmqServer, epmd, pgbackrest, observers: observerPrograms(found) };
}

function observerPrograms(found: Readonly<Record<(typeof observers)[number], string | undefined>>) {
  const { Prometheus: prometheus, Alertmanager: alertmanager, 'the PostgreSQL exporter': exporter } = found;
  if (prometheus === undefined || alertmanager === undefined || exporter === undefined) return undefined;
  return { prometheus, alertmanager, 'postgres-exporter': exporter };
}

/** Folders of Debian, Red Hat, and Homebrew on Apple silicon and on Intel. */
const POSTGRES_DIRS = [
  { parent: '/usr/lib/postgresql', pattern: /^(\d+)$/ },
  { parent: '/usr', pattern: /^pgsql-(\d+)$/ },
  { parent: '/opt/homebrew/opt', pattern: /^postgresql@(\d+)$/ },
  { parent: '/usr/local/opt', pattern: /^postgresql@(\d+)$/ },
];

/** Folder of the newest installed version. Otherwise the folder on the PATH, whose version is unknown. */
function findPostgresDir(): string | undefined {
  const installed = POSTGRES_DIRS.flatMap(({ parent, pattern }) =>
    namesIn(parent).flatMap((name) => {
      const major = Number(pattern.exec(name)?.[1]);
      const dir = path.join(parent, name, 'bin');
      return major >= POSTGRES_MAJOR_MIN && existsSync(path.join(dir, 'initdb')) ? [{ major, dir }] : [];
    }),
  );
  const newest = installed.sort((one, other) => other.major - one.major)[0];
  if (newest) return newest.dir;
  const onPath = findOnPath('initdb');
  return onPath && path.dirname(onPath);
}

const RABBITMQ_DIRS = ['/usr/lib/rabbitmq/lib', '/usr/lib64/rabbitmq/lib'];
const HOMEBREW_DIRS = ['/opt/homebrew/opt', '/usr/local/opt'];

function findRabbitmqServer(): string | undefined {
  const named = process.env['ECO_RABBITMQ_DIR'];
  const packaged = RABBITMQ_DIRS.flatMap((parent) =>
    namesIn(parent)
      .filter((name) => name.startsWith('rabbitmq_server-'))
      .map((name) => path.join(parent, name, 'sbin')),
  );
  return (named === undefined ? [...packaged, ...HOMEBREW_DIRS.map((dir) => path.join(dir, 'rabbitmq/sbin'))] : [named])
    .map((dir) => path.join(dir, 'rabbitmq-server'))
    .find((file) => existsSync(file));
}

function findEpmd(): string | undefined {
  return (
    findOnPath('epmd') ?? HOMEBREW_DIRS.map((dir) => path.join(dir, 'erlang/bin/epmd')).find((file) => existsSync(file))
  );
}

/**
 * The full path of a program on the PATH. The folders of administrators are searched too, because the PATH of a user
 * may lack them.
 */
export function findOnPath(name: string): string | undefined {
  const dirs = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return dirs
    .filter((dir) => dir !== '')
    .map((dir) => path.join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
