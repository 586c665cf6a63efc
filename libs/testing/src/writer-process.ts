import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from '@eco/cluster';
import { writerUser } from '@eco/contracts';
import { hostPort, type Address } from '@eco/base';
import { eventually } from './eventually.js';
import type { TestCluster } from './test-cluster.js';

/** A shard-writer in a separate process, as `npm start` would run it, on a free port. */
export class WriterProcess {
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;
  readonly #logFile: string;
  #process: ChildProcess | undefined;
  #said = '';
  /** Number of times that the process ended on its own or was killed. */
  ends = 0;
  keepsRunning = false;

  /**
   * `nodeArguments`: arguments of Node before the program. `nodes`: the database nodes that the process can reach;
   * default all.
   */
  constructor(
    cluster: TestCluster,
    readonly name: string,
    nodeArguments: readonly string[] = [],
    nodes: readonly Address[] = cluster.groups[0]?.nodes ?? [],
  ) {
    const { dataDir, brokers, groups } = cluster;
    const groupId = groups[0]?.id ?? '';
    const secretsFile = path.join(dataDir, `${name}.json`);
    const database = { eco_writer: cluster.system.databaseLogin('eco_writer').password };
    writeFileSync(secretsFile, JSON.stringify({ amqp: cluster.system.brokerLogin(writerUser(groupId)), database }), {
      mode: 0o600,
    });
    this.#logFile = path.join(dataDir, `${name}.log`);
    this.#args = [...nodeArguments, path.join(PROJECT_DIR, 'apps/shard-writer/dist/main.js')];
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      ECO_NAME: name,
      ECO_OPERATORS_PORT: '0',
      ECO_BROKERS: brokers.map(({ host, amqpPort }) => `${host}:${amqpPort}`).join(','),
      ECO_GROUPS: `${groupId}=${nodes.map(hostPort).join(',')}`,
      ECO_GROUP: groupId,
      ECO_SECRETS_FILE: secretsFile,
    };
  }

  /** The log of the process since its last start. */
  get log(): string {
    return this.#said;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error(`${this.name} does not run`);
    return this.#process.pid;
  }

  start(): void {
    const started = spawn(process.execPath, this.#args, { stdio: ['ignore', 'pipe', 'inherit'], env: this.#env });
    this.#process = started;
    this.#said = '';
    started.stdout.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    started.stdout.pipe(createWriteStream(this.#logFile, { flags: 'a' }));
    started.once('exit', () => {
      if (this.#process !== started) return;
      this.#process = undefined;
      this.ends += 1;
      if (this.keepsRunning) this.start();
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Asks the process to stop. Resolves with the time until it has ended, ms. */
  async stop(): Promise<number> {
    this.keepsRunning = false;
    const startedMs = performance.now();
    if (this.#process !== undefined) {
      this.signal('SIGTERM');
      await this.ended();
    }
    return performance.now() - startedMs;
  }

  /** Ends it as if its machine lost power. */
  async kill(): Promise<void> {
    this.keepsRunning = false;
    if (this.#process === undefined) return;
    this.signal('SIGKILL');
    await this.ended();
  }

  ended(): Promise<unknown> {
    return eventually(`${this.name} ends`, () => this.#process === undefined, { deadlineMs: 60_000, pauseMs: 10 });
  }

  /** Undefined while the process does not respond. */
  async role(): Promise<string | undefined> {
    const url = /"operatorsUrl":"([^"]+)"/.exec(this.#said)?.[1];
    if (url === undefined) return undefined;
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) });
      const { role } = (await response.json()) as { role?: string };
      return role;
    } catch {
      return undefined;
    }
  }
}
