import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { groupIdSchema, servedBranchIdSchema, timeZoneSchema } from '@eco/contracts';
import { BUCKETS_DEFAULT, BUCKETS_MAX, isBucketCount } from '@eco/routing';
import { Refused } from './refused.js';
import type { Members } from './secrets.js';

/**
 * Description of a cluster, however it is started. Everything has a default, so `describeCluster({})` is the cluster of
 * `npm start`; tests use fewer parts, on free ports.
 */

/** `<project>/infra/cluster/{src,dist}/…`: the services' programs are relative to it. */
export const PROJECT_DIR = path.resolve(__dirname, '../../..');

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const count = (min: number, max: number) => z.int().min(min).max(max);
/** A port; 0: any free one. */
const port = z.int().min(0).max(65_535);

/** The first port of each kind. The second process of a kind takes the next port, and so on. */
const portsSchema = z.strictObject({
  amqp: port.default(5672),
  management: port.default(15_672),
  /**
   * Ports among the brokers only: first the name service (epmd), then each node. 4369 is avoided, because a machine may
   * have an epmd there.
   */
  erlang: port.default(25_671),
  postgres: port.default(5432),
  central: port.default(8000),
  /** The first branch. */
  sucursal: port.default(8002),
  read: port.default(8003),
  /** The second branch and further ones: branch n has 8010 + n. */
  branches: port.default(8012),
  /** For the operators of each service: metrics, details of readiness, documents. A writer has no other port. */
  operators: port.default(9000),
  /** Prometheus, then Alertmanager, an exporter for each database, and each broker's metrics. */
  observability: port.default(9090),
});
export type PortKind = keyof z.infer<typeof portsSchema>;

const groupSchema = z.strictObject({ id: groupIdSchema, replicas: count(0, 8).default(2) });

/** Each branch is a process with some 100 MB of memory. */
export const BRANCHES_MAX = 16;

/** Ids of the first branches of a chain. */
export function firstBranches(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `sucursal-${index + 1}`);
}

/** The path of a folder, in which `~` is the user's home. */
function absolute(dir: string): string {
  return path.resolve(dir.replace(/^~(?=$|\/)/, os.homedir()));
}

/** A name that fits into a folder name and a host name, with a number appended. */
const descriptionSchema = z
  .strictObject({
    /** Number of brokers; 0: only the databases. Two are worse than one, because both together are the majority. */
    brokers: count(0, 5)
      .refine((brokers) => brokers === 0 || brokers % 2 === 1, 'must be odd (1, 3 or 5), or 0 for none')
      .default(3),
    groups: z
      .array(groupSchema)
      .min(1)
      .default([{ id: 'g1', replicas: 2 }]),
    /** Number of writers of a group. One leads, and the others are standbys. */
    writersPerGroup: count(1, 8).default(2),
    /** Folder of data, logs and secrets. */
    dataDir: z.string().min(1).transform(absolute).default(path.join(PROJECT_DIR, '.eco')),
    ports: portsSchema.prefault({}),
    logLevel: z.enum(LOG_LEVELS).default('info'),
    buckets: z.int().refine(isBucketCount, `must be a power of two up to ${BUCKETS_MAX}`).default(BUCKETS_DEFAULT),
    /** Branches, each with a sucursal-api. */
    branchIds: z.array(servedBranchIdSchema).min(1).max(BRANCHES_MAX).default(firstBranches(1)),
    /** Time zone of the chain's days. Absent: unchanged, UTC at first. */
    timeZone: timeZoneSchema.optional(),
    /** Time without a replica after which only the others count for a confirmed decision, s. */
    replicaAwaySeconds: count(1, 86_400).default(60),
    /** True: every connection is encrypted, and every client verifies the server. */
    tls: z.boolean().default(false),
    /** Folder for backups and the archive of the databases' log. Absent: the log is not archived. */
    backupsDir: z.string().min(1).transform(absolute).optional(),
    /** True: Prometheus, Alertmanager and an exporter for each database run, too. */
    observability: z.boolean().default(false),
    /** False: only the servers. */
    services: z.boolean().default(true),
    /**
     * Each server has a network address and a small disk (`SMALL_DISK_MB`) of its own, so that a test can cut it off and
     * fill its disk. Only on Linux; as processes only for root.
     */
    faults: z.boolean().default(false),
  })
  .check(({ value, issues }) => {
    if (value.services && value.brokers === 0) {
      issues.push({ code: 'custom', message: 'services need a broker', path: ['brokers'], input: 0 });
    }
    const refuseTwice = (ids: readonly string[], pathOf: (index: number) => (string | number)[]) =>
      ids.forEach((id, index) => {
        if (ids.indexOf(id) === index) return;
        issues.push({ code: 'custom', message: `names ${id} twice`, path: pathOf(index), input: id });
      });
    refuseTwice(
      value.groups.map((group) => group.id),
      (index) => ['groups', index, 'id'],
    );
    refuseTwice(value.branchIds, (index) => ['branchIds', index]);
  });

/**
 * Size of a small disk, MB. The log that a replica may need and the brokers' data fit in it, with room for some minutes
 * of load.
 */
export const SMALL_DISK_MB = 1024;

export type ClusterDescription = Readonly<z.output<typeof descriptionSchema>>;
export type ClusterInput = z.input<typeof descriptionSchema>;

/** Branches and groups: each has broker users and secrets of its own. */
export function membersOf({ branchIds, groups }: Pick<ClusterDescription, 'branchIds' | 'groups'>): Members {
  return { branchIds, groupIds: groups.map(({ id }) => id) };
}

/** The description is invalid. `violations` are sentences, each beginning with its subject. */
export class DescriptionError extends Refused {
  override readonly name = 'DescriptionError';

  constructor(readonly violations: readonly string[]) {
    super(violations.join('; '));
  }
}

/** Fills in the defaults. Throws a `DescriptionError` that names every violation. */
export function describeCluster(input: ClusterInput): ClusterDescription {
  const read = descriptionSchema.safeParse(input);
  if (read.success) return read.data;
  throw new DescriptionError(
    read.error.issues.map((issue) => `${issue.path.join('.') || 'the description'}: ${issue.message}`),
  );
}
