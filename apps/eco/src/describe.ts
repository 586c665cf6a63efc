import { servedBranchIdSchema, timeZoneSchema } from '@eco/contracts';
import { BUCKETS_MAX } from '@eco/routing';
import {
  BRANCHES_MAX,
  describeCluster,
  DescriptionError,
  firstBranches,
  LOG_LEVELS,
  type ClusterDescription,
  type ClusterInput,
} from '@eco/cluster';
import { Option, type Command } from 'commander';
import { oneOf, wholeNumberOf } from './input.js';
import { dataDirOf } from './target.js';

/** The options of `eco up`, as commander returns them. */
export interface UpOptions {
  readonly brokers: string;
  readonly replicas: string;
  readonly writers: string;
  readonly replicaAway: string;
  readonly data?: string;
  readonly logLevel: string;
  readonly buckets: string;
  readonly branches: string;
  readonly timeZone?: string;
  /** Set: the cluster runs in the containers of compose.yaml. */
  readonly docker?: true;
  /** Folder for backups. */
  readonly backups?: string;
  /** Set: every connection is encrypted. */
  readonly tls?: true;
  /** Set: Prometheus and what belongs to it run, too. */
  readonly observability?: true;
  /** False after --no-services. */
  readonly services: boolean;
  readonly portAmqp: string;
  readonly portManagement: string;
  readonly portErlang: string;
  readonly portPostgres: string;
  readonly portCentral: string;
  readonly portSucursal: string;
  readonly portRead: string;
  readonly portBranches: string;
  readonly portOperators: string;
  readonly portObservability: string;
}

export function upOptions(command: Command): Command {
  const { brokers, groups, writersPerGroup, replicaAwaySeconds, ports, logLevel, buckets, branchIds } = describeCluster(
    {},
  );
  return command
    .option('--docker', 'in containers, by compose.yaml; they run on until "eco down --docker"')
    .option('--brokers <n>', 'broker nodes: 1, 3 or 5', String(brokers))
    .option(
      '--replicas <n>',
      'replicas of the database; with none no commit waits for a second copy',
      String(groups[0]?.replicas),
    )
    .option('--writers <n>', 'shard-writers: one leads, the others stand by', String(writersPerGroup))
    .option(
      '--replica-away <s>',
      'seconds without a replica after which only the others count for a confirmed decision',
      String(replicaAwaySeconds),
    )
    .option('--data <dir>', 'data folder (default: .eco in the project)')
    .addOption(backupsOption())
    .option('--log-level <level>', LOG_LEVELS.join(', '), logLevel)
    .option('--buckets <n>', 'number of buckets; settled by the first start', String(buckets))
    .option('--branches <n or ids>', 'number of branches, or their ids: id,id,…', String(branchIds.length))
    .addOption(
      new Option(
        '--time-zone <name>',
        "IANA time zone of the chain's days, such as America/Mexico_City (default: as before; UTC at first)",
      ).env('ECO_TIME_ZONE'),
    )
    .option('--tls', 'encrypt every connection; in containers that is always so')
    .option('--observability', 'also Prometheus with the alert rules, Alertmanager, and an exporter for each database')
    .option('--no-services', 'start the servers alone')
    .option('--port-amqp <port>', 'first broker; 0 here and below: any free port', String(ports.amqp))
    .option('--port-management <port>', "first broker's management UI", String(ports.management))
    .option('--port-erlang <port>', 'first of those the brokers use among themselves', String(ports.erlang))
    .option('--port-postgres <port>', 'primary; the replicas follow', String(ports.postgres))
    .option('--port-central <port>', 'Central API', String(ports.central))
    .option('--port-sucursal <port>', 'Sucursal API of the first branch', String(ports.sucursal))
    .option('--port-read <port>', 'read-service', String(ports.read))
    .option('--port-branches <port>', 'Sucursal API of the second branch', String(ports.branches))
    .option(
      '--port-operators <port>',
      "first service's metrics, details of readiness, documents",
      String(ports.operators),
    )
    .option(
      '--port-observability <port>',
      'Prometheus; Alertmanager, the exporters and the metrics of the brokers follow',
      String(ports.observability),
    );
}

export function backupsOption(): Option {
  return new Option(
    '--backups <dir>',
    'folder for backups and the archived log of the databases, on another disk than the data (default: none)',
  ).env('ECO_BACKUP_DIR');
}

/** The described cluster. If options are invalid, their violations are added and the result is the default. */
export function descriptionOf(options: UpOptions, violations: string[]): ClusterDescription {
  const found: string[] = [];
  const input = inputOf(options, found);
  try {
    if (found.length === 0) return describeCluster(input);
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    found.push(...error.violations);
  }
  violations.push(...found);
  return describeCluster({});
}

function inputOf(options: UpOptions, violations: string[]): ClusterInput {
  const port = (option: string, text: string) => wholeNumberOf(option, text, { min: 0, max: 65_535 }, violations);
  return {
    brokers: Number(oneOf('--brokers', options.brokers, BROKERS, violations)),
    groups: [{ id: 'g1', replicas: wholeNumberOf('--replicas', options.replicas, { min: 0, max: 8 }, violations) }],
    writersPerGroup: wholeNumberOf('--writers', options.writers, { max: 8 }, violations),
    replicaAwaySeconds: wholeNumberOf('--replica-away', options.replicaAway, { max: 86_400 }, violations),
    buckets: bucketsOf('--buckets', options.buckets, violations),
    ...(options.data !== undefined && { dataDir: dataDirOf(options) }),
    ...(options.backups !== undefined && options.backups !== '' && { backupsDir: options.backups }),
    logLevel: oneOf('--log-level', options.logLevel, LOG_LEVELS, violations),
    branchIds: branchIdsOf('--branches', options.branches, violations),
    timeZone: timeZoneOf('--time-zone', options.timeZone, violations),
    tls: options.tls ?? false,
    observability: options.observability ?? false,
    services: options.services,
    ports: {
      amqp: port('--port-amqp', options.portAmqp),
      management: port('--port-management', options.portManagement),
      erlang: port('--port-erlang', options.portErlang),
      postgres: port('--port-postgres', options.portPostgres),
      central: port('--port-central', options.portCentral),
      sucursal: port('--port-sucursal', options.portSucursal),
      read: port('--port-read', options.portRead),
      branches: port('--port-branches', options.portBranches),
      operators: port('--port-operators', options.portOperators),
      observability: port('--port-observability', options.portObservability),
    },
  };
}

const BROKERS = ['1', '3', '5'] as const;
/** The powers of two up to the greatest number of buckets. */
const BUCKETS = Array.from({ length: Math.log2(BUCKETS_MAX) + 1 }, (_, exponent) => String(2 ** exponent));

export function bucketsOf(option: string, text: string, violations: string[]): number {
  return Number(oneOf(option, text, BUCKETS, violations));
}

/** The time zone that an option or a variable names; undefined if it is absent or empty. */
export function timeZoneOf(option: string, text = '', violations: string[]): string | undefined {
  if (text === '') return undefined;
  const zone = timeZoneSchema.safeParse(text);
  if (!zone.success) violations.push(`${option}: ${JSON.stringify(text)} ${zone.error.issues[0]?.message}`);
  return zone.data;
}

/** The branches that an option names: `3` means sucursal-1 to sucursal-3, other texts are ids. */
export function branchIdsOf(option: string, text: string, violations: string[]): string[] {
  if (/^\d+$/.test(text)) return firstBranches(wholeNumberOf(option, text, { max: BRANCHES_MAX }, violations));
  const ids = text.split(',').map((id) => id.trim());
  for (const id of ids) {
    const read = servedBranchIdSchema.safeParse(id);
    if (!read.success) violations.push(`${option}: ${JSON.stringify(id)} ${read.error.issues[0]?.message}`);
  }
  if (new Set(ids).size < ids.length) violations.push(`${option} names a branch twice`);
  if (ids.length > BRANCHES_MAX)
    violations.push(`${option} names ${ids.length} branches, and at most ${BRANCHES_MAX} can run`);
  return ids;
}
