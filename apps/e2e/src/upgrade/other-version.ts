import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  clientUrlOf,
  managementUrlOf,
  openSecrets,
  operatorsUrlOf,
  readRun,
  RunningSystem,
  type Run,
  type Secrets,
} from '@eco/cluster';
import { eventually, type TestCluster } from '@eco/testing';
import { BranchProcess } from '../branches/branch-process.js';

const START_MS = 300_000;

/** What `eco up` of a version that is in a folder runs, as processes of this machine. */
export class OtherVersion {
  readonly #dir: string;
  readonly #dataDir: string;
  readonly #up: ChildProcess;
  #text = '';

  /** `settings`: of `eco up` and its services. */
  constructor(dir: string, dataDir: string, options: readonly string[], settings: Readonly<Record<string, string>>) {
    this.#dir = dir;
    this.#dataDir = dataDir;
    const ports = ['amqp', 'management', 'erlang', 'postgres', 'central', 'sucursal', 'branches', 'read', 'operators'];
    // When this process ends in any way, the pipe is closed, and everything stops.
    const script = '"$@" & pid=$!; cat >/dev/null; kill -TERM $pid; wait $pid';
    this.#up = spawn(
      'sh',
      [
        ...['-c', script, 'eco-up', process.execPath, path.join(dir, 'apps/eco/bin/eco.js'), 'up'],
        ...['--data', dataDir, ...options, ...ports.flatMap((kind) => [`--port-${kind}`, '0'])],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...settings } },
    );
    for (const output of [this.#up.stdout, this.#up.stderr]) {
      output?.on('data', (chunk: Buffer) => (this.#text += chunk.toString()));
    }
  }

  /** Resolves when everything runs and is supervised. */
  async untilRunning(): Promise<TestCluster> {
    await eventually(
      'eco up of the version before supervises',
      () => {
        if (this.#up.exitCode !== null) throw new Error(this.#text.slice(-2000));
        return readRun(this.#dataDir)?.control !== undefined;
      },
      { deadlineMs: START_MS },
    );
    return this.#cluster(await openSecrets(this.#dataDir));
  }

  async stop(): Promise<void> {
    this.#up.stdin?.end();
    if (this.#up.exitCode === null) await once(this.#up, 'exit');
  }

  /** Runs `eco` of the version that is now in the folder. */
  async eco(...args: readonly string[]): Promise<string> {
    const all = [path.join(this.#dir, 'apps/eco/bin/eco.js'), ...args, '--data', this.#dataDir];
    return (await promisify(execFile)(process.execPath, all)).stdout;
  }

  /** Ends a service, and waits until `eco up` has started it again from the files that are now in the folder. */
  async startAgain(service: string): Promise<void> {
    const before = this.#pidOf(service);
    const node = this.#run.layout.services.find(({ name }) => name === service);
    if (before === undefined || node === undefined) throw new Error(`${service} does not run`);
    process.kill(before, 'SIGTERM');
    await eventually(`${service} is ready again`, async () => {
      if ([undefined, before].includes(this.#pidOf(service))) return false;
      return (await fetch(`${operatorsUrlOf(node)}/health/ready`, { signal: AbortSignal.timeout(2000) })).ok;
    });
  }

  /** The folder in which a service was started, at its present place. */
  folderOf(service: string): string {
    return readlinkSync(`/proc/${this.#pidOf(service)}/cwd`);
  }

  get #run(): Run {
    const run = readRun(this.#dataDir);
    if (run === undefined) throw new Error(`nothing runs: ${this.#text.slice(-2000)}`);
    return run;
  }

  #pidOf(service: string): number | undefined {
    return this.#run.processes.find(({ name }) => name === service)?.pid;
  }

  /** What load and checks use of a running cluster. */
  #cluster(secrets: Secrets): TestCluster {
    const { layout } = this.#run;
    const cluster: Partial<TestCluster> = {
      dataDir: this.#dataDir,
      system: new RunningSystem(layout, secrets),
      brokers: layout.brokers.map((node) => ({ ...node, managementUrl: managementUrlOf(node) })) as never,
      groups: layout.groups as never,
      services: layout.services.map((service) => ({
        name: service.name,
        url: clientUrlOf(service),
        operatorsUrl: operatorsUrlOf(service),
      })) as never,
      destroy: () => this.stop(),
    };
    return cluster as TestCluster;
  }
}

/** A branch that `eco up` runs. */
export class SupervisedBranch extends BranchProcess {
  readonly #url: string;

  constructor(cluster: TestCluster, branchId: string) {
    const layout = readRun(cluster.dataDir)?.layout;
    const service = layout?.services.find((each) => each.branchId === branchId);
    if (layout === undefined || service === undefined) throw new Error(`there is no branch ${branchId}`);
    super({ branchId, dataDir: cluster.dataDir, layout, service: service.name });
    this.#url = clientUrlOf(service);
  }

  override get url(): string {
    return this.#url;
  }

  override async start(): Promise<number> {
    return 0;
  }

  override async end(): Promise<void> {}
}
