import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { archiveOf, prepareArchive, type Archive } from '../backup/archive.js';
import { asSuperuser, follow, promote } from '../failover.js';
import type { ManagedNode, WatchedGroup } from '../failover/database-nodes.js';
import { HOST, type DatabaseNode, type GroupLayout } from '../layout.js';
import { primaryConnection, slotOf } from '../postgres-settings.js';
import { prepareDatabases, untilReplicasStream } from '../prepare-databases.js';
import { Refused } from '../refused.js';
import type { RunningDatabase, RunningGroup } from '../running-cluster.js';
import { passwordLine, superuserOf, writeSecretFile } from '../secrets.js';
import {
  databaseSpec,
  databaseTls,
  REPLICATOR_FILE,
  SUPERUSER_FILE,
  type DatabasePlace,
} from '../servers/database-spec.js';
import { inOrder, together, type Say, type Step } from '../steps.js';
import { commandAs, giveTo } from './account.js';
import { endProcessesIn } from '../processes/folder-processes.js';
import { exists, foldersIn, primaryAmong } from './data-folders.js';
import type { Native } from './native.js';
import { runningServer } from './running-server.js';
import { filesDirOf, makeFilesDir, runScript, startScriptOf, writeFiles } from './start-script.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import type { StopStage } from '../processes/stop-stages.js';

/**
 * A database group. The start script makes a primary by initdb, and replicas as copies of it. The data folders determine
 * which node is the primary (a replica's has standby.signal), so a failover also applies to the next start.
 */

/** Time limit of a start, ms. A crashed server replays its log first. */
const START_MS = 60_000;
/** Time limit of a stop, ms. A fast stop ends sessions and writes a checkpoint. */
const STOP_MS = 30_000;

interface GroupNode {
  readonly node: DatabaseNode;
  readonly process: NativeProcess;
}

interface Preparation {
  /** Default: the group's. */
  readonly primary?: DatabaseNode;
  /** The log of a replica may have entries that the primary's lacks, so it is rewound. */
  readonly mayDiffer?: boolean;
  readonly say?: Say;
}

export class PostgresGroup {
  readonly #native: Native;
  readonly #group: GroupLayout;
  readonly #nodes: readonly GroupNode[];
  readonly running: RunningGroup;
  #primary: GroupNode;
  /** Replicas that did not start. */
  readonly #failed = new Set<GroupNode>();

  constructor(native: Native, group: GroupLayout) {
    this.#native = native;
    this.#group = group;
    const [first, ...others] = group.nodes;
    this.#primary = this.#groupNode(first, 'primaries');
    // After a failover the primary may be another node than the first; the order of stopping then does no harm.
    const replicas = others.map((node) => this.#groupNode(node, 'replicas'));
    this.#nodes = [this.#primary, ...replicas];
    const runningReplicas = replicas.map((each) => this.#runningDatabase(each));
    this.running = { id: group.id, nodes: [this.#runningDatabase(this.#primary), ...runningReplicas] };
  }

  #runningDatabase({ node, process }: GroupNode): RunningDatabase {
    const { password } = superuserOf(this.#native.dataDir);
    const server = runningServer(this.#native, node.host, process);
    return {
      ...server,
      port: node.port,
      authority: node.authority,
      promote: () => asSuperuser(node, password, promote),
      follow: (primary) => {
        const connection = this.#connection(node, primary);
        return asSuperuser(node, password, (replica) =>
          asSuperuser(primary, password, (at) => follow(replica, at, connection)),
        );
      },
      lose: async () => {
        await server.kill();
        await rm(this.#nodeDir(node), { recursive: true });
      },
    };
  }

  /** The group for a `GroupWatch`. */
  get watched(): WatchedGroup {
    return {
      id: this.#group.id,
      nodes: this.#nodes.map((each) => this.#managedNode(each)),
      primary: () => this.#primary.node.name,
      setPrimary: (name) => {
        this.#primary = this.#nodes.find(({ node }) => node.name === name) ?? this.#primary;
      },
    };
  }

  #managedNode(each: GroupNode): ManagedNode {
    const { node, process } = each;
    return {
      node,
      isRunning: () => process.running,
      // `MissingServers` starts a replica that has never started.
      isStopped: () => process.isStopped || this.#failed.has(each),
      ended: () => process.ended(),
      stop: () => process.stop(),
      end: async () => {
        process.kill('SIGKILL');
        await process.ended();
        await endProcessesIn(this.#nodeDir(node));
      },
      start: async () => {
        if (!(await exists(this.#nodeDir(node)))) throw new Error(`${node.name} has no data`);
        await process.start(this.#native.signal);
      },
      discard: () => rm(this.#nodeDir(node), { recursive: true, force: true }),
      startAsReplica: (primary, mayDiffer, say) => this.#startReplica(each, { primary, mayDiffer, say }),
      connectionTo: (primary) => this.#connection(node, primary),
    };
  }

  startStep(): Step {
    const replicas = this.#nodes.slice(1).map((_, index) => ({
      title: `replica ${index + 1}`,
      run: async (say: Say) => {
        const replica = this.#nodes.filter((each) => each !== this.#primary)[index];
        if (!replica) return;
        say(replica.node.name);
        await this.#startReplica(replica, { say }).catch((error: Error) => this.#doWithout(replica, error));
      },
    }));
    return inOrder(`PostgreSQL ${this.#group.id}`, [
      {
        title: 'primary',
        run: async (say) => {
          await this.#prepareFolders();
          await this.#findPrimary();
          say(this.#primary.node.name);
          await this.#startPrimary();
        },
      },
      { title: 'roles and schema', run: () => this.#prepare() },
      ...this.#archiveSteps(),
      ...(replicas.length === 0
        ? []
        : [together('replicas', replicas), { title: 'replicas stream', run: () => this.#untilStreaming() }]),
    ]);
  }

  /** A commit waits for any one replica; without the others everything continues. */
  #doWithout(replica: GroupNode, error: Error): void {
    const { signal, missing } = this.#native;
    signal.throwIfAborted();
    this.#failed.add(replica);
    if (this.#failed.size === this.#nodes.length - 1) throw error;
    missing(replica.node.name, error, () => this.#startReplica(replica));
  }

  async #prepareFolders(): Promise<void> {
    const { account, dataDir, disks, secrets } = this.#native;
    for (const dir of [path.dirname(this.#dir), this.#dir]) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      giveTo(account, dir);
    }
    for (const { node } of this.#nodes) {
      if (disks) giveTo(account, disks.dirOf(node.name));
      // An interrupted start may have left this folder.
      await rm(this.#nodeDir(node) + UNFINISHED, { recursive: true, force: true });
      const file = path.join(await makeFilesDir(dataDir, node.name, account), REPLICATOR_FILE);
      await writeSecretFile(file, passwordLine('eco_replicator', secrets.database.eco_replicator));
      giveTo(account, file);
    }
  }

  /** Finds the node that is no replica; the first node if none exists yet. */
  async #findPrimary(): Promise<void> {
    const made = await this.#madeNodes();
    const where = `group ${this.#group.id} in ${this.#dir}`;
    const name = await primaryAmong(new Map(made.map((each) => [each, this.#nodeDir({ name: each })])), where);
    if (name === undefined) return;
    const found = this.#nodes.find(({ node }) => node.name === name);
    if (!found)
      throw new Refused(`${name} is the primary of ${where}: choose more replicas, so that it is among the nodes`);
    this.#primary = found;
  }

  async #startPrimary(): Promise<void> {
    const { node, process } = this.#primary;
    await this.#prepareNode(node);
    await process.start(this.#native.signal);
    await this.#dropReplicasLeftOut();
  }

  /**
   * Drops the slots of replicas that the description no longer has. Otherwise the primary would keep log for them
   * forever.
   */
  async #dropReplicasLeftOut(): Promise<void> {
    const left = (await this.#madeNodes()).filter((name) => !this.#nodes.some(({ node }) => node.name === name));
    for (const name of left) {
      const drop = 'SELECT pg_drop_replication_slot(s.slot_name) FROM pg_replication_slots s WHERE s.slot_name = $1';
      const { password } = superuserOf(this.#native.dataDir);
      await asSuperuser(this.#primary.node, password, (at) => at.ask(drop, [slotOf({ name })]));
      await rm(this.#nodeDir({ name }), { recursive: true });
    }
  }

  async #prepare(): Promise<void> {
    const { secrets, description } = this.#native;
    await prepareDatabases({
      primary: this.#primary.node,
      groupId: this.#group.id,
      groupIds: description.groups.map(({ id }) => id),
      buckets: description.buckets,
      secrets,
      locations: description.branchIds,
      timeZone: description.timeZone,
    });
  }

  #archiveSteps(): readonly Step[] {
    const { backupsDir } = this.#native.description;
    if (backupsDir === undefined) return [];
    return [
      { title: `archive in ${backupsDir}`, run: () => prepareArchive(this.#native, this.#archive(this.#primary.node)) },
    ];
  }

  #archive(node: DatabaseNode): Archive {
    return { groupId: this.#group.id, node, nodeDir: this.#nodeDir(node) };
  }

  async #startReplica(replica: GroupNode, preparation: Preparation = {}): Promise<void> {
    const { node, process } = replica;
    await this.#prepareNode(node, preparation);
    await process.start(this.#native.signal);
    this.#failed.delete(replica);
  }

  /** Prepares a node's data by the start script. */
  async #prepareNode(
    node: DatabaseNode,
    { primary = this.#primary.node, mayDiffer = false, say = () => undefined }: Preparation = {},
  ): Promise<void> {
    const { account, dataDir, secrets, signal } = this.#native;
    const spec = await databaseSpec({
      node,
      nodes: this.#group.nodes,
      primary,
      isSupervised: true,
      superuserPassword: superuserOf(dataDir).password,
      replicatorPassword: secrets.database.eco_replicator,
      place: this.#place(node, await archiveOf(this.#native, this.#archive(node))),
    });
    const filesDir = filesDirOf(dataDir, node.name);
    // A rotation may have replaced the replicator's password since the start.
    await writeFiles(filesDir, spec, account, [REPLICATOR_FILE]);
    const [command, args] = this.#commandOn(node, 'prepare');
    const env = { ...this.#environment(node), ECO_REWIND: mayDiffer ? 'yes' : '' };
    try {
      const said = await runScript({ command, args, env, signal });
      const prefix = `eco ${node.name}: `;
      for (const line of said.split('\n'))
        if (line.startsWith(prefix)) say(`${node.name} ${line.slice(prefix.length)}`);
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`${node.name} can't be prepared: ${(error as Error).message}`, { cause: error });
    } finally {
      await rm(path.join(filesDir, SUPERUSER_FILE), { force: true });
    }
  }

  #place(node: DatabaseNode, archiveCommand?: string): DatabasePlace {
    const { authority, dataDir, disks, network } = this.#native;
    return {
      filesDir: filesDirOf(dataDir, node.name),
      dataDir: this.#nodeDir(node),
      listenAddresses: node.host,
      clients: network?.range ?? `${HOST}/32`,
      smallDisk: disks !== undefined,
      authority,
      archiveCommand,
    };
  }

  #connection(node: DatabaseNode, primary: DatabaseNode): string {
    const place = this.#place(node);
    const passwordFile = path.join(place.filesDir, REPLICATOR_FILE);
    return primaryConnection({ node, primary, passwordFile, tls: databaseTls({ node, place }) });
  }

  async #untilStreaming(): Promise<void> {
    const { secrets, signal } = this.#native;
    await untilReplicasStream(this.#group, secrets, { deadlineMs: START_MS, signal }, () => this.#failed.size);
  }

  #groupNode(node: DatabaseNode, stage: StopStage): GroupNode {
    return { node, process: this.#native.process(this.#nodeSpec(node, stage)) };
  }

  #nodeSpec(node: DatabaseNode, stage: StopStage): ProcessSpec {
    const { logFile } = this.#native;
    const [command, args] = this.#commandOn(node, 'serve');
    return {
      name: node.name,
      stage,
      command,
      args,
      env: this.#environment(node),
      cwd: '/',
      logFile: logFile(node.name),
      // Fast: ends sessions instead of waiting for them.
      stopSignal: 'SIGINT',
      stopMs: STOP_MS,
      ready: (pid) => this.#isReady(node, pid),
      readyMs: START_MS,
    };
  }

  async #isReady(node: DatabaseNode, pid: number): Promise<boolean> {
    const file = path.join(this.#nodeDir(node), 'postmaster.pid');
    // The pid is on line 1 and the state on line 8 (PostgreSQL's pidfile.h). After a crash the file may still hold an
    // old pid.
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
  }

  /** The command line that runs the start script as the right user and in the node's network. */
  #commandOn(node: DatabaseNode, action: 'prepare' | 'serve'): [string, string[]] {
    const { account, dataDir, network } = this.#native;
    const [command, all] = commandAs(account, 'bash', [startScriptOf(dataDir, node.name), node.name, action]);
    if (!network) return [command, all];
    const [first, ...rest] = network.prefixOf(node.name);
    return [first, [...rest, command, ...all]];
  }

  /** Names of the nodes with complete folders. */
  async #madeNodes(): Promise<string[]> {
    // Data on a separate disk starts empty with each cluster.
    if (this.#native.disks) return [];
    return foldersIn(this.#dir);
  }

  get #dir(): string {
    return path.join(this.#native.dataDir, 'postgres', this.#group.id);
  }

  /** With TLS, PostgreSQL's programs look into the home folder, and the user's own one may be closed to them. */
  #environment({ name }: DatabaseNode): Record<string, string> {
    const { dataDir, environment, programs } = this.#native;
    const PATH = `${programs.postgresDir}:${environment['PATH'] ?? ''}`;
    return { ...environment, PATH, HOME: filesDirOf(dataDir, name) };
  }

  #nodeDir({ name }: Pick<DatabaseNode, 'name'>): string {
    const { disks } = this.#native;
    return disks ? path.join(disks.dirOf(name), 'data') : path.join(this.#dir, name);
  }
}

const UNFINISHED = '.unfinished';
