import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  composeAuthority,
  composeContainers,
  composeLayout,
  composeSecrets,
  PROJECT_DIR,
  RunningSystem,
  type App,
} from '@eco/cluster';
import { Callers } from '@eco/testing';
import { Api } from '../system/system.js';

const run = promisify(execFile);
const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');

/** The system of compose.yaml with its own name and ports, so that it can run next to another one. */
export class Project {
  /** Known once it is up. */
  system!: RunningSystem;
  /** Networks that were cut, by service. */
  readonly #cut = new Map<string, readonly string[]>();
  readonly #callers = new Callers(() => this.system.tokens);

  private constructor(readonly name: string) {}

  /** Sets the environment of this process, so that `docker compose` and @eco/cluster use this project. */
  static async open(): Promise<Project> {
    const project = new Project(`eco-test-${process.pid}`);
    const kinds = ['HTTPS', 'CENTRAL', 'SUCURSAL', 'READ'];
    for (const kind of ['AMQP', 'MANAGEMENT', 'POSTGRES']) kinds.push(...[1, 2, 3].map((n) => `${kind}_${n}`));
    kinds.push(...[1, 2, 3, 4, 5, 6].map((n) => `OPERATORS_${n}`));
    const ports = await freePorts(kinds.length);
    kinds.forEach((kind, index) => (process.env[`ECO_PORT_${kind}`] = String(ports[index])));
    process.env['COMPOSE_PROJECT_NAME'] = project.name;
    return project;
  }

  /** Resolves when all containers are healthy. */
  async up(...options: string[]): Promise<void> {
    await this.compose('up', '--wait', ...options);
    this.system = new RunningSystem(
      composeLayout(await composeContainers(), await composeAuthority()),
      await composeSecrets(),
    );
  }

  /** Removes the project with its data. */
  async remove(): Promise<void> {
    await this.compose('--profile', '*', 'down', '--volumes', '--timeout', '5');
  }

  get central(): Api {
    return this.#api('central-api');
  }

  get sucursal(): Api {
    return this.#api('sucursal-api');
  }

  get read(): Api {
    return this.#api('read-service');
  }

  #api(app: App): Api {
    return new Api(this.system.urlOf(app), this.#callers);
  }

  /** Runs `eco` and returns its output. Throws an error with both outputs if it fails. */
  async eco(...args: string[]): Promise<string> {
    return (await this.#run(process.execPath, [ECO, ...args])).stdout;
  }

  /** Runs a program and returns both outputs. Throws with them if it fails. */
  async compose(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return this.docker('compose', ...args);
  }

  async docker(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return this.#run('docker', args);
  }

  async #run(program: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
    try {
      return await run(program, args, { cwd: PROJECT_DIR, env: process.env, maxBuffer: 256 * 1024 * 1024 });
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${program} ${args.join(' ')} failed: ${stderr}${stdout}`, { cause: error });
    }
  }

  /** Cuts every network of a service's container, in both directions. */
  async cutOff(service: string): Promise<void> {
    const format = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}';
    const { stdout } = await this.docker('inspect', '--format', format, this.#containerOf(service));
    const networks = stdout.trim().split(' ');
    this.#cut.set(service, networks);
    await Promise.all(
      networks.map((network) => this.docker('network', 'disconnect', '--force', network, this.#containerOf(service))),
    );
  }

  /** Undoes `cutOff`. */
  async reconnect(service: string): Promise<void> {
    for (const network of this.#cut.get(service) ?? []) {
      await this.docker('network', 'connect', '--alias', service, network, this.#containerOf(service));
    }
    this.#cut.delete(service);
  }

  #containerOf(service: string): string {
    return `${this.name}-${service}-1`;
  }

  /** The project's containers, volumes and networks that exist. */
  async leftovers(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.name}`;
    const said = await Promise.all([
      this.docker('ps', '--all', '--quiet', '--filter', label),
      this.docker('volume', 'ls', '--quiet', '--filter', label),
      this.docker('network', 'ls', '--quiet', '--filter', label),
    ]);
    return said.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
  }

  async logs(service: string): Promise<string> {
    return (await this.compose('logs', '--no-log-prefix', service)).stdout;
  }
}

/** A running `eco load`, until it is stopped. */
export class Load {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #said = '';
  #complained = '';

  /** `concurrency`: orders that are under way at the same time. */
  constructor(concurrency: number) {
    const counts = ['--warm-up', '0', '--orders', '10000000', '--concurrency', String(concurrency), '--readers', '2'];
    const args = ['load', '--docker', '--json', ...counts];
    this.#process = spawn(process.execPath, [ECO, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
    this.#process.stdout?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.#complained += chunk.toString()));
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()));
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Whether it has made the products that it orders. Throws with its output if it has not. */
  get hasProducts(): boolean {
    if (/100\/100/.test(this.#complained)) return true;
    throw new Error(`the load has said: ${this.#complained.slice(-500)}${this.#said.slice(-500)}`);
  }

  get complaint(): string {
    return this.#complained;
  }

  /** Places no more orders, waits until all are visible and checked, and returns the report. */
  async end(): Promise<LoadReport> {
    this.#process.kill('SIGINT');
    await this.#ended;
    try {
      return JSON.parse(this.#said) as LoadReport;
    } catch {
      throw new Error(`eco load gave no report: ${this.#complained}${this.#said}`);
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** The fields of the report of `eco load --json` used here. */
export interface LoadReport {
  accepted: number;
  acceptToVisible: { count: number };
  failedWrites: Record<string, number>;
  check: { missing: string[]; unexpected: string[]; broken: unknown[]; checks: number; openDeadLetters: number };
}

/** Number of the group's last batch according to the read-service; undefined while it does not answer. */
export async function lastBatch(project: Project): Promise<number | undefined> {
  const said = await project.read.get('/replication').catch(() => undefined);
  const seqs = [...(said?.text ?? '').matchAll(/"position":"g1=\d+\.\w+\.(\d+)"/g)].map(([, seq]) => Number(seq));
  return seqs.length === 0 ? undefined : Math.max(...seqs);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
