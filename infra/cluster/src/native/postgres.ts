import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { presentPasswords } from '@eco/base';
import { authorityFile, CERTIFICATE_FILE, certificateFor, serverHosts } from '../authority.js';
import { archiveOf, prepareArchive, type Archive } from '../backup/archive.js';
import { follow, promote } from '../failover.js';
import type { ManagedNode } from '../failover/database-nodes.js';
import type { WatchedGroup } from '../failover/group-watch.js';
import type { DatabaseNode, GroupLayout } from '../layout.js';
import { hostBasedAccess, primaryConnection, serverSettings, slotOf, type ServerTls } from '../postgres-settings.js';
import { prepareDatabases, untilReplicasStream } from '../prepare-databases.js';
import { Refused } from '../refused.js';
import type { RunningDatabase, RunningGroup } from '../running-cluster.js';
import { passwordLine, replaceSecretFile, superuserOf, writeSecretFile } from '../secrets.js';
import { inOrder, together, type Say, type Step } from '../steps.js';
import { commandAs, giveTo } from './account.js';
import { endProcessesIn } from '../processes/folder-processes.js';
import type { Native } from './native.js';
import { runningServer } from './running-server.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import type { StopStage } from '../processes/stop-stages.js';

/**
 * A database group: a primary, created by initdb, and replicas, created as copies of it. The data folders determine
 * which node is the primary (a replica's has standby.signal), so a failover also applies to the next start. A folder
 * appears under its name only once it is complete.
 */

/** Time limit of a start, ms. A crashed server replays its log first. */
const START_MS = 60_000;
/** Time limit of a stop, ms. A fast stop ends sessions and writes a checkpoint. */
const STOP_MS = 30_000;

interface GroupNode {
  readonly node: DatabaseNode;
  readonly process: NativeProcess;
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
      promote: () => promote(node, password),
      follow: (primary) => follow(node, primary, this.#managedNode({ node, process }).connectionTo(primary), password),
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
      startAsReplica: async (primary, mayDiffer, say) => {
        if (mayDiffer && (await exists(this.#nodeDir(node)))) await this.#rewind(node, primary, say);
        await this.#startReplica(each, say);
      },
      connectionTo: (primary) => primaryConnection({ node, primary, passwordFile: this.#passwordFile, tls: this.#tls }),
    };
  }

  startStep(): Step {
    const replicas = this.#nodes.slice(1).map((_, index) => ({
      title: `replica ${index + 1}`,
      run: async (say: Say) => {
        const replica = this.#nodes.filter((each) => each !== this.#primary)[index];
        if (!replica) return;
        say(replica.node.name);
        await this.#startReplica(replica, say).catch((error: Error) => this.#doWithout(replica, error));
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
    const { account, disks, secrets } = this.#native;
    for (const dir of [path.dirname(this.#dir), this.#dir]) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      giveTo(account, dir);
    }
    for (const { node } of this.#nodes) {
      if (disks) giveTo(account, disks.dirOf(node.name));
      // An interrupted start may have left this folder.
      await rm(this.#nodeDir(node) + UNFINISHED, { recursive: true, force: true });
    }
    await writeSecretFile(this.#passwordFile, passwordLine('eco_replicator', secrets.database.eco_replicator));
    giveTo(account, this.#passwordFile);
  }

  /** Finds the node that is no replica; the first node if none exists yet. */
  async #findPrimary(): Promise<void> {
    const made = await this.#madeNodes();
    if (made.length === 0) return;
    const isReplica = await Promise.all(made.map((each) => this.#isReplica({ name: each })));
    const primaries = made.filter((_, index) => !isReplica[index]);
    const where = `group ${this.#group.id} in ${this.#dir}`;
    if (primaries.length === 0) throw new Refused(`${where} has replicas (${made.join(', ')}) and no primary`);
    // A failover that was interrupted leaves the old primary as it was; the new one has the higher timeline (R7).
    const timelines = await Promise.all(primaries.map((each) => timelineOf(this.#nodeDir({ name: each }))));
    const last = Math.max(...timelines);
    const [name, ...others] = primaries.filter((_, index) => timelines[index] === last);
    if (others.length > 0) {
      throw new Refused(
        `${where} has more than one primary (${[name, ...others].join(', ')}): remove the older folder`,
      );
    }
    const found = this.#nodes.find(({ node }) => node.name === name);
    if (!found)
      throw new Refused(`${name} is the primary of ${where}: choose more replicas, so that it is among the nodes`);
    this.#primary = found;
  }

  async #startPrimary(): Promise<void> {
    const { node, process } = this.#primary;
    if (!(await exists(this.#nodeDir(node)))) await this.#initialise(node);
    await this.#writeFiles(node);
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
      if (await this.#hasSlot({ name }))
        await this.#run('pg_receivewal', [...this.#replicationArgs({ name }), '--drop-slot']);
      await rm(this.#nodeDir({ name }), { recursive: true });
    }
  }

  async #initialise(node: DatabaseNode): Promise<void> {
    const passwordFile = path.join(this.#dir, `${node.name}.password`);
    await writeSecretFile(passwordFile, `${this.#native.secrets.database.postgres}\n`);
    giveTo(this.#native.account, passwordFile);
    const unfinished = this.#nodeDir(node) + UNFINISHED;
    try {
      await this.#run('initdb', [
        ...['--pgdata', unfinished, '--username', 'postgres', '--pwfile', passwordFile],
        ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8'],
        ...['--data-checksums', '--no-instructions'],
      ]);
      await appendFile(path.join(unfinished, 'postgresql.conf'), `\ninclude = '${SETTINGS_FILE}'\n`);
      await rename(unfinished, this.#nodeDir(node));
    } finally {
      await rm(passwordFile, { force: true });
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

  async #startReplica(replica: GroupNode, say: Say = () => undefined): Promise<void> {
    const { node, process } = replica;
    // A slot keeps the log that the replica lacks. A promoted node has none at first.
    if (!(await this.#hasSlot(node)))
      await this.#run('pg_receivewal', [...this.#replicationArgs(node), '--create-slot']);
    if (!(await exists(this.#nodeDir(node)))) await this.#copy(node);
    else if (!(await this.#isReplica(node))) await this.#rewind(node, this.#primary.node, say);
    if (!(await exists(this.#nodeDir(node)))) await this.#copy(node);
    await this.#writeFiles(node);
    await process.start(this.#native.signal);
    this.#failed.delete(replica);
  }

  /**
   * Gives a stopped node the history of `primary`, whose present timeline needs a checkpoint first. If that fails, its
   * data are removed. The folder has another name meanwhile, so an interrupted rewind is never started.
   */
  async #rewind(node: DatabaseNode, primary: DatabaseNode, say: Say): Promise<void> {
    const { account, dataDir } = this.#native;
    const dir = this.#nodeDir(node);
    const unfinished = dir + UNFINISHED;
    const passwordFile = path.join(this.#dir, `${node.name}.rewind.pgpass`);
    await rm(unfinished, { recursive: true, force: true });
    await rename(dir, unfinished);
    try {
      // A standby can't recover from a crash without its primary, and pg_rewind needs a clean end.
      await rm(path.join(unfinished, STANDBY_FILE), { force: true });
      const { user, password } = superuserOf(dataDir);
      await writeSecretFile(passwordFile, passwordLine(user, presentPasswords(password)[0] ?? ''));
      giveTo(account, passwordFile);
      const words = { host: primary.host, port: primary.port, user: 'postgres', dbname: 'postgres' };
      const server = Object.entries(words).map(([key, value]) => `${key}=${value}`);
      const args = ['--target-pgdata', unfinished, '--source-server', server.join(' ')];
      await this.#run('pg_rewind', args, passwordFile);
      await this.#asReplica(unfinished);
      await rename(unfinished, dir);
    } catch (error) {
      this.#native.signal.throwIfAborted();
      await rm(unfinished, { recursive: true, force: true });
      say(`${node.name} is copied, because it can't be rewound: ${(error as Error).message.replaceAll('\n', ' ')}`);
    } finally {
      await rm(passwordFile, { force: true });
    }
  }

  #isReplica(node: Pick<DatabaseNode, 'name'>): Promise<boolean> {
    return exists(path.join(this.#nodeDir(node), STANDBY_FILE));
  }

  async #asReplica(dir: string): Promise<void> {
    await writeFile(path.join(dir, STANDBY_FILE), '');
    giveTo(this.#native.account, path.join(dir, STANDBY_FILE));
  }

  async #copy(node: DatabaseNode): Promise<void> {
    const unfinished = this.#nodeDir(node) + UNFINISHED;
    await this.#run('pg_basebackup', [
      ...this.#replicationArgs(node),
      ...['--pgdata', unfinished, '--wal-method', 'stream', '--checkpoint', 'fast'],
    ]);
    await this.#asReplica(unfinished);
    await rename(unfinished, this.#nodeDir(node));
  }

  async #untilStreaming(): Promise<void> {
    const { secrets, signal } = this.#native;
    await untilReplicasStream(this.#group, secrets, { deadlineMs: START_MS, signal }, () => this.#failed.size);
  }

  async #writeFiles(node: DatabaseNode): Promise<void> {
    const settings = serverSettings({
      node,
      nodes: this.#group.nodes,
      primary: this.#primary.node,
      passwordFile: this.#passwordFile,
      listenAddresses: node.host,
      smallDisk: this.#native.disks !== undefined,
      tls: this.#tls,
      archiveCommand: await archiveOf(this.#native, this.#archive(node)),
    });
    const { authority, network } = this.#native;
    const files = {
      [SETTINGS_FILE]: settings,
      'pg_hba.conf': hostBasedAccess({ range: network?.range, tls: authority !== undefined }),
      ...(authority && { [CERTIFICATE_FILE]: await certificateFor(authority, serverHosts(node)) }),
    };
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.#nodeDir(node), name);
      await writeSecretFile(file, text);
      giveTo(this.#native.account, file);
    }
    await this.#resetSource(node);
  }

  /**
   * Removes what a failover has set on a node, or on the node that it is a copy of. The settings file has its source.
   * A primary keeps the names of the replicas that count, because its row about them must stay true.
   */
  async #resetSource(node: DatabaseNode): Promise<void> {
    const file = path.join(this.#nodeDir(node), 'postgresql.auto.conf');
    const set = node === this.#primary.node ? /^primary_conninfo / : /^(primary_conninfo|synchronous_standby_names) /;
    const text = await readFile(file, 'utf8');
    const kept = text.split('\n').filter((line) => !set.test(line));
    await replaceSecretFile(file, kept.join('\n'));
  }

  /** Runs one of PostgreSQL's programs to its end. */
  async #run(program: string, args: readonly string[], passwordFile = this.#passwordFile): Promise<void> {
    const { signal } = this.#native;
    const [command, all] = this.#commandOn(this.#primary.node, program, args);
    const tls = this.#tls && { PGSSLMODE: 'verify-full', PGSSLROOTCERT: this.#tls.authorityFile };
    const env = { ...this.#environment, PGPASSFILE: passwordFile, ...tls };
    try {
      await promisify(execFile)(command, all, { env, cwd: '/', signal });
    } catch (error) {
      signal.throwIfAborted();
      const { stderr = '', message } = error as { stderr?: string; message: string };
      throw new Error(`${program} for ${this.#group.id} failed: ${stderr.trim() || message}`, { cause: error });
    }
  }

  /** Arguments for a command about a node's slot, sent to the primary as the replicator. */
  #replicationArgs(node: Pick<DatabaseNode, 'name'>): string[] {
    const { host, port } = this.#primary.node;
    const login = ['--host', host, '--port', String(port), '--username', 'eco_replicator', '--no-password'];
    return [...login, '--slot', slotOf(node)];
  }

  async #hasSlot(node: Pick<DatabaseNode, 'name'>): Promise<boolean> {
    return exists(path.join(this.#nodeDir(this.#primary.node), 'pg_replslot', slotOf(node)));
  }

  #groupNode(node: DatabaseNode, stage: StopStage): GroupNode {
    return { node, process: this.#native.process(this.#nodeSpec(node, stage)) };
  }

  #nodeSpec(node: DatabaseNode, stage: StopStage): ProcessSpec {
    const { logFile } = this.#native;
    const [command, args] = this.#commandOn(node, 'postgres', ['-D', this.#nodeDir(node)]);
    return {
      name: node.name,
      stage,
      command,
      args,
      env: this.#environment,
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

  /** The command line that runs one of PostgreSQL's programs as the right user and in the node's network. */
  #commandOn(node: DatabaseNode, program: string, args: readonly string[]): [string, string[]] {
    const { account, network, programs } = this.#native;
    const [command, all] = commandAs(account, path.join(programs.postgresDir, program), args);
    if (!network) return [command, all];
    const [first, ...rest] = network.prefixOf(node.name);
    return [first, [...rest, command, ...all]];
  }

  /** Names of the nodes with complete folders. */
  async #madeNodes(): Promise<string[]> {
    // Data on a separate disk starts empty with each cluster.
    if (this.#native.disks) return [];
    const entries = await readdir(this.#dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  get #dir(): string {
    return path.join(this.#native.dataDir, 'postgres', this.#group.id);
  }

  /** With TLS, PostgreSQL's programs look into the home folder, and the user's own one may be closed to them. */
  get #environment(): Record<string, string> {
    return { ...this.#native.environment, HOME: this.#dir };
  }

  get #tls(): ServerTls | undefined {
    const { authority, dataDir } = this.#native;
    return authority && { certificateFile: CERTIFICATE_FILE, authorityFile: authorityFile(dataDir) };
  }

  get #passwordFile(): string {
    return path.join(this.#dir, 'replicator.pgpass');
  }

  #nodeDir({ name }: Pick<DatabaseNode, 'name'>): string {
    const { disks } = this.#native;
    return disks ? path.join(disks.dirOf(name), 'data') : path.join(this.#dir, name);
  }
}

const UNFINISHED = '.unfinished';
const STANDBY_FILE = 'standby.signal';
const SETTINGS_FILE = 'eco.conf';
/** The certificate and its key; the name is relative to the node's folder. */

/** The last timeline that a stopped node knows, by the names of its log files. */
async function timelineOf(dir: string): Promise<number> {
  const names = await readdir(path.join(dir, 'pg_wal'));
  return Math.max(
    0,
    ...names.filter((name) => /^[0-9A-F]{8}/.test(name)).map((name) => parseInt(name.slice(0, 8), 16)),
  );
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
