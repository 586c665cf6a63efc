import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { GroupMismatchError, prepareGroup, ReplicationWatch } from '@eco/database';
import { DescriptionError } from '../description.js';
import type { DatabaseNode, GroupLayout } from '../layout.js';
import { writeSecretFile } from '../secrets.js';
import { inOrder, together, type Step } from '../steps.js';
import { until } from '../until.js';
import { commandAs, giveTo } from './account.js';
import type { Native } from './native.js';
import { hostBasedAccess, serverSettings, slotOf } from './postgres-settings.js';
import type { NativeProcess, ProcessSpec } from './process.js';

/**
 * A database group: a primary, made by initdb, and replicas, made as copies of it. Which node is the primary is what the
 * data folders say (a replica's holds standby.signal), so a failover holds over the next start too. A folder appears
 * under its name only once it is whole.
 */

/** A server that crashed replays its log first. */
const START_MS = 60_000;
/** A fast stop cuts sessions off and writes a checkpoint. */
const STOP_MS = 30_000;

interface GroupNode {
  readonly node: DatabaseNode;
  readonly process: NativeProcess;
}

export class PostgresGroup {
  readonly #native: Native;
  readonly #group: GroupLayout;
  readonly #nodes: readonly GroupNode[];

  constructor(native: Native, group: GroupLayout) {
    this.#native = native;
    this.#group = group;
    this.#nodes = group.nodes.map((node) => ({ node, process: native.process(this.#nodeSpec(node)) }));
  }

  startStep(): Step {
    let primary = this.#nodes[0];
    if (!primary) throw new Error(`the group ${this.#group.id} has no nodes`);
    let first: GroupNode = primary;
    return inOrder(`PostgreSQL ${this.#group.id}`, [
      {
        title: 'primary',
        run: async (say) => {
          await this.#prepareFolders();
          first = primary = await this.#findPrimary(first);
          say(first.node.name);
          await this.#startPrimary(first);
        },
      },
      { title: 'roles and schema', run: () => this.#prepare(first.node) },
      together(
        'replicas',
        this.#nodes.slice(1).map((_, index) => ({
          title: `replica ${index + 1}`,
          run: async (say) => {
            const replica = this.#nodes.filter((each) => each !== first)[index];
            if (!replica) return;
            say(replica.node.name);
            await this.#startReplica(replica, first.node);
          },
        })),
      ),
      { title: 'replicas stream', run: () => this.#untilStreaming() },
    ]);
  }

  async #prepareFolders(): Promise<void> {
    const { account, secrets } = this.#native;
    for (const dir of [path.dirname(this.#dir), this.#dir]) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      giveTo(account, dir);
    }
    // Left from a start that was cut short.
    const unfinished = (await readdir(this.#dir)).filter((name) => name.endsWith(UNFINISHED));
    await Promise.all(unfinished.map((name) => rm(path.join(this.#dir, name), { recursive: true, force: true })));
    await writeSecretFile(this.#passwordFile, `*:*:*:eco_replicator:${secrets.database.eco_replicator}\n`);
    giveTo(account, this.#passwordFile);
  }

  /** The node that is no replica; `first` when nothing is there yet. */
  async #findPrimary(first: GroupNode): Promise<GroupNode> {
    const made = (await readdir(this.#dir)).filter((name) => !name.includes('.'));
    const primaries = await Promise.all(made.map(async (name) => ((await this.#isReplica({ name })) ? [] : [name])));
    const [name, ...others] = primaries.flat();
    if (made.length === 0) return first;
    const found = this.#nodes.find((each) => each.node.name === name);
    const ids = `group ${this.#group.id} in ${this.#dir}`;
    if (others.length > 0)
      throw new Error(
        `${ids} has ${1 + others.length} primaries (${primaries.flat().join(', ')}): remove the folder of the older one`,
      );
    if (name === undefined)
      throw new Error(`${ids} has replicas but no primary: promote one of ${made.join(', ')}, or remove them`);
    if (!found) throw new DescriptionError([`replicas: ${name} is the primary of ${ids}, so it can't be left out`]);
    return found;
  }

  async #startPrimary(primary: GroupNode): Promise<void> {
    if (!(await this.#isMade(primary.node))) await this.#initialise(primary.node);
    await this.#writeFiles(primary.node, primary.node);
    await primary.process.start(this.#native.signal);
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

  async #prepare(primary: DatabaseNode): Promise<void> {
    const { secrets, description } = this.#native;
    const { postgres, ...passwords } = secrets.database;
    const preparation = {
      superuser: { host: primary.host, port: primary.port, user: 'postgres', password: postgres },
      groupId: this.#group.id,
      groupIds: description.groups.map(({ id }) => id),
      buckets: description.buckets,
      passwords,
    };
    await prepareGroup(preparation).catch((error: Error) => {
      throw error instanceof GroupMismatchError ? new DescriptionError([error.message]) : error;
    });
  }

  async #startReplica(replica: GroupNode, primary: DatabaseNode): Promise<void> {
    const { node } = replica;
    // A slot keeps the log that the replica has not got yet. A node that was promoted has none.
    await this.#run('pg_receivewal', [...this.#replicationArgs(primary, node), '--create-slot', '--if-not-exists']);
    if (!(await this.#isMade(node))) await this.#copy(node, primary);
    await this.#writeFiles(node, primary);
    await replica.process.start(this.#native.signal);
  }

  async #copy(node: DatabaseNode, primary: DatabaseNode): Promise<void> {
    const unfinished = this.#nodeDir(node) + UNFINISHED;
    await this.#run('pg_basebackup', [
      ...this.#replicationArgs(primary, node),
      ...['--pgdata', unfinished, '--wal-method', 'stream', '--checkpoint', 'fast'],
    ]);
    await writeFile(path.join(unfinished, STANDBY_FILE), '');
    giveTo(this.#native.account, path.join(unfinished, STANDBY_FILE));
    await rename(unfinished, this.#nodeDir(node));
  }

  async #untilStreaming(): Promise<void> {
    const nodes = this.#group.nodes;
    const login = { user: 'eco_monitor', password: this.#native.secrets.database.eco_monitor };
    const watch = new ReplicationWatch(nodes, login);
    const allStream = async () => {
      const replicas = (await watch.look()).filter(({ role }) => role === 'replica');
      return (
        replicas.length === nodes.length - 1 &&
        replicas.every(({ seenByPrimary: seen }) => seen?.state === 'streaming' && seen.syncState === 'quorum')
      );
    };
    try {
      await until(`not all replicas of ${this.#group.id} follow their primary`, allStream, {
        deadlineMs: START_MS,
        signal: this.#native.signal,
      });
    } finally {
      watch.close();
    }
  }

  async #writeFiles(node: DatabaseNode, primary: DatabaseNode): Promise<void> {
    const settings = serverSettings({ node, nodes: this.#group.nodes, primary, passwordFile: this.#passwordFile });
    const files = { [SETTINGS_FILE]: settings, 'pg_hba.conf': hostBasedAccess() };
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.#nodeDir(node), name);
      await writeSecretFile(file, text);
      giveTo(this.#native.account, file);
    }
  }

  /** One of PostgreSQL's programs that does its work and ends. */
  async #run(program: string, args: readonly string[]): Promise<void> {
    const { account, programs, environment, signal } = this.#native;
    const [command, all] = commandAs(account, path.join(programs.postgresDir, program), args);
    const env = { ...environment, PGPASSFILE: this.#passwordFile };
    try {
      await promisify(execFile)(command, all, { env, cwd: '/', signal });
    } catch (error) {
      signal.throwIfAborted();
      const { stderr = '', message } = error as { stderr?: string; message: string };
      throw new Error(`${program} for ${this.#group.id} failed: ${stderr.trim() || message}`, { cause: error });
    }
  }

  #replicationArgs(primary: DatabaseNode, node: DatabaseNode): string[] {
    const { host, port } = primary;
    return [
      '--host',
      host,
      '--port',
      String(port),
      '--username',
      'eco_replicator',
      '--no-password',
      '--slot',
      slotOf(node),
    ];
  }

  #nodeSpec(node: DatabaseNode): ProcessSpec {
    const { account, programs, environment, logFile } = this.#native;
    const [command, args] = commandAs(account, path.join(programs.postgresDir, 'postgres'), [
      '-D',
      this.#nodeDir(node),
    ]);
    return {
      name: node.name,
      // Of a group that failed over the primary may be another; then the order does no harm.
      stage: node === this.#group.nodes[0] ? 'primaries' : 'replicas',
      command,
      args,
      env: environment,
      cwd: '/',
      logFile: logFile(node.name),
      // Fast: cuts sessions off instead of waiting for them.
      stopSignal: 'SIGINT',
      stopMs: STOP_MS,
      ready: (pid) => this.#isReady(node, pid),
      readyMs: START_MS,
    };
  }

  async #isReady(node: DatabaseNode, pid: number): Promise<boolean> {
    const file = path.join(this.#nodeDir(node), 'postmaster.pid');
    // pid on line 1, state on line 8 (PostgreSQL's pidfile.h); the file may be another's, left from a crash.
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
  }

  async #isMade(node: DatabaseNode): Promise<boolean> {
    return exists(this.#nodeDir(node));
  }

  async #isReplica(node: Pick<DatabaseNode, 'name'>): Promise<boolean> {
    return exists(path.join(this.#nodeDir(node), STANDBY_FILE));
  }

  get #dir(): string {
    return path.join(this.#native.dataDir, 'postgres', this.#group.id);
  }

  get #passwordFile(): string {
    return path.join(this.#dir, 'replicator.pgpass');
  }

  #nodeDir(node: Pick<DatabaseNode, 'name'>): string {
    return path.join(this.#dir, node.name);
  }
}

const UNFINISHED = '.unfinished';
const STANDBY_FILE = 'standby.signal';
const SETTINGS_FILE = 'eco.conf';

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
