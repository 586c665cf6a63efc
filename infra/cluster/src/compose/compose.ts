import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PROJECT_DIR } from '../description.js';
import { HOST, withAuthority, type App, type DatabaseNode, type Layout, type ServiceNode } from '../layout.js';
import { Refused } from '../refused.js';
import { openSecrets, type Secrets } from '../secrets.js';
import {
  AMQP_PORT,
  BRANCH_PORT,
  FILES_DIR,
  forwarded,
  MANAGEMENT_PORT,
  OPERATORS_PORT,
  POSTGRES_PORT,
  READ_PORT,
} from './addresses.js';

/**
 * Controls the system of compose.yaml. Everything is done by `docker compose`, so people who use that directly see and
 * change the same. COMPOSE_PROJECT_NAME selects the project; default `ecomarket`.
 */

export type Environment = Readonly<Record<string, string>>;

/** A container of a service of compose.yaml. */
export interface ComposeContainer {
  readonly service: string;
  /** State in Docker's words: created, running, paused, restarting, exited, dead. */
  readonly state: string;
  /** Health in Docker's words: healthy, unhealthy, starting. Empty for a container without a health check. */
  readonly health: string;
  readonly exitCode: number;
  /** Ports on this machine, by port in the container. */
  readonly ports: ReadonlyMap<number, number>;
}

/** Docker or Compose is missing or does not answer. */
class DockerMissing extends Refused {
  override readonly name = 'DockerMissing';
}

/** `docker compose` failed; its output has been shown. */
export class ComposeFailed extends Refused {
  override readonly name = 'ComposeFailed';
}

const run = (args: readonly string[]) =>
  promisify(execFile)('docker', args, { cwd: PROJECT_DIR, env: process.env, maxBuffer: OUTPUT_MAX });
const OUTPUT_MAX = 64 * 1024 * 1024;

/** Throws a `DockerMissing` that states in one line what to do. */
export async function checkDocker(): Promise<void> {
  try {
    await run(['compose', 'version']);
    await run(['version', '--format', '{{.Server.Version}}']);
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
    const why = code === 'ENOENT' ? 'docker is not installed' : firstLine(stderr) || 'it gave no reason';
    throw new DockerMissing(
      `Docker with Compose is needed and can't be used (${why}): install or start it, or start without --docker`,
    );
  }
}

/**
 * Starts everything and resolves when all of it is healthy. Shows Compose's output. If a container can't start, the
 * others keep running, and the error names it.
 */
export async function composeUp(environment: Environment = {}): Promise<void> {
  try {
    await shown(['up', '--wait', '--build', '--quiet-pull'], environment);
  } catch (error) {
    const unwell = whatIsUnwell(await composeContainers().catch(() => []));
    if (!(error instanceof ComposeFailed) || unwell === '') throw error;
    throw new ComposeFailed(
      `${unwell}; the other containers run on. docker compose logs NAME says why; repeat the command after the repair`,
    );
  }
}

/** Containers that failed or are not healthy, with their states; empty: none. */
export function whatIsUnwell(containers: readonly ComposeContainer[]): string {
  return containers
    .filter(({ state, health, exitCode }) =>
      state === 'running' ? health !== '' && health !== 'healthy' : state !== 'exited' || exitCode !== 0,
    )
    .map(({ service, state, health, exitCode }) => {
      if (state === 'exited') return `${service} ended with ${exitCode}`;
      return `${service} is ${state === 'running' ? health : state}`;
    })
    .join(', ');
}

/** Stops and removes the containers and networks, of all profiles; with `volumes` the data too. */
export async function composeDown({ volumes }: { volumes: boolean }): Promise<void> {
  await shown(['--profile', '*', 'down', ...(volumes ? ['--volumes'] : [])]);
}

/**
 * All containers of the project, including those that have ended. Empty if the project was never started or is down.
 */
export async function composeContainers(): Promise<ComposeContainer[]> {
  const { stdout } = await compose('--profile', '*', 'ps', '--all', '--format', 'json');
  const text = stdout.trim();
  // The output is one array; since Compose 2.21 it is one object per line.
  const parsed: unknown = text.startsWith('[') ? JSON.parse(text) : text.split('\n').filter(Boolean).map(parseLine);
  return z.array(containerSchema).parse(parsed);
}

const containerSchema = z
  .object({
    Service: z.string(),
    State: z.string(),
    Health: z.string(),
    ExitCode: z.int(),
    Publishers: z.array(z.object({ TargetPort: z.int(), PublishedPort: z.int() })).nullable(),
  })
  .transform((row): ComposeContainer => {
    const published = (row.Publishers ?? []).filter(({ PublishedPort }) => PublishedPort !== 0);
    return {
      service: row.Service,
      state: row.State,
      health: row.Health,
      exitCode: row.ExitCode,
      ports: new Map(published.map(({ TargetPort, PublishedPort }) => [TargetPort, PublishedPort])),
    };
  });

/** The container that clients reach, its port for them, and the container with the port for operators. */
interface ApiPorts {
  readonly at: ComposeContainer;
  readonly target: number;
  readonly operators?: ComposeContainer | undefined;
}

/**
 * The containers' ports on this machine, in the layout of a cluster of processes. Central occurs once, with the port of
 * the load balancer. A container without a way out has ports of the forwarder. A container that does not run has port 0.
 * `authority`: the certificate by which the containers are verified.
 */
export function composeLayout(containers: readonly ComposeContainer[], authority?: string): Layout {
  const all = [...containers].sort((one, other) => one.service.localeCompare(other.service, 'en', { numeric: true }));
  const forwarder = all.find(({ service }) => service === 'forwarder');
  const portOf = ({ service, state, ports }: ComposeContainer, target: number) => {
    const by = forwarded.find(({ host, port }) => host === service && port === target);
    if (by === undefined) return ports.get(target) ?? 0;
    return state === 'running' ? (forwarder?.ports.get(by.listen) ?? 0) : 0;
  };
  const named = (pattern: RegExp) => all.filter(({ service }) => pattern.test(service));
  const api = (app: App, { at, target, operators = at }: ApiPorts, name: string = app): ServiceNode => {
    return { name, app, host: HOST, port: portOf(at, target), operatorsPort: portOf(operators, OPERATORS_PORT) };
  };

  const groups = new Map<string, DatabaseNode[]>();
  for (const container of named(/^g\d+-\d+$/)) {
    const [id = ''] = container.service.split('-');
    const node = { name: container.service, host: HOST, port: portOf(container, POSTGRES_PORT) };
    groups.set(id, [...(groups.get(id) ?? []), node]);
  }
  const layout: Layout = {
    brokers: named(/^broker-\d+$/).map((container) => ({
      name: container.service,
      host: HOST,
      amqpPort: portOf(container, AMQP_PORT),
      managementPort: portOf(container, MANAGEMENT_PORT),
      // Internal: no port of this machine leads there.
      erlangPort: 0,
    })),
    epmdPort: 0,
    groups: [...groups].flatMap(([id, [first, ...others]]) =>
      first === undefined ? [] : [{ id, nodes: [first, ...others] }],
    ),
    services: [
      ...named(/^nginx$/).map((at) => api('central-api', { at, target: 8080, operators: named(/^central-api-1$/)[0] })),
      ...named(/^sucursal-api(-\d+)?$/).map((at) => api('sucursal-api', { at, target: BRANCH_PORT }, at.service)),
      ...named(/^read-service$/).map((at) => api('read-service', { at, target: READ_PORT })),
      ...named(/^shard-writer-\d+$/).map((at): ServiceNode => {
        return { name: at.service, app: 'shard-writer', host: HOST, operatorsPort: portOf(at, OPERATORS_PORT) };
      }),
    ],
  };
  return withAuthority(layout, authority);
}

/** The certificate by which the containers are verified, from the volume of the job that made it. */
export async function composeAuthority(): Promise<string> {
  return withCopy('configure:/eco/all/ca.crt', (copy) => readFile(copy, 'utf8'));
}

/**
 * All passwords. They are in no folder of this machine, so they are copied from the volume of the job that created
 * them.
 */
export async function composeSecrets(): Promise<Secrets> {
  return withCopy('configure:/eco/all/secrets', (copy) => openSecrets(path.dirname(copy)));
}

/** Copies a file or folder of a container to this machine while `use` runs. */
async function withCopy<T>(source: string, use: (copy: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-secrets-'));
  try {
    await compose('cp', source, dir);
    return await use(path.join(dir, path.basename(source)));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Output and exit code of a program, or of Docker if it could not run the program. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `eco` in a new container with the files, settings and volumes of a service. The service need not run. */
export function composeRun(service: string, args: readonly string[]): Promise<Ended> {
  return composeJob(service, [`--env-file=${FILES_DIR}/cluster.env`, 'apps/eco/dist/main.js', ...args]);
}

/** Runs the job `rotate`, which has the secrets of all containers. */
export function composeRotate(args: readonly string[]): Promise<Ended> {
  return composeJob('rotate', ['apps/eco/dist/main.js', 'container', 'rotate', ...args]);
}

async function composeJob(service: string, program: readonly string[]): Promise<Ended> {
  const base = ['compose', '--progress', 'quiet', 'run', '--rm', '--no-deps', '-T', service];
  try {
    return { code: 0, ...(await run([...base, ...program])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown } & Omit<Ended, 'code'>;
    if (typeof code === 'number') return { code, stdout, stderr };
    throw error;
  }
}

/** Runs a program in a running container and returns its output. */
export async function composeExec(service: string, program: readonly string[]): Promise<string> {
  return (await compose('exec', '-T', service, ...program)).stdout;
}

/** Writes a service's log to a file. */
export async function composeLogs(service: string, file: string): Promise<void> {
  const log = await open(file, 'w', 0o600);
  try {
    const args = ['compose', 'logs', '--no-log-prefix', '--no-color', service];
    const child = spawn('docker', args, { cwd: PROJECT_DIR, stdio: ['ignore', log.fd, 'inherit'], env: process.env });
    const [code, signal] = await ended(child);
    if (code !== 0) throw new ComposeFailed(`docker ${args.join(' ')} ended with ${code ?? signal}: see above`);
  } finally {
    await log.close();
  }
}

export async function compose(...args: string[]): Promise<{ stdout: string }> {
  try {
    return await run(['compose', ...args]);
  } catch (error) {
    await checkDocker();
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new ComposeFailed(`docker compose ${args.join(' ')} failed: ${stderr.trim() || message}`);
  }
}

async function shown(args: readonly string[], environment: Environment = {}): Promise<void> {
  const env = { ...process.env, ...environment };
  const [code, signal] = await ended(
    spawn('docker', ['compose', ...args], { cwd: PROJECT_DIR, stdio: 'inherit', env }),
  );
  if (code !== 0) throw new ComposeFailed(`docker compose ${args.join(' ')} ended with ${code ?? signal}: see above`);
}

export async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
}

function parseLine(line: string): unknown {
  return JSON.parse(line);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
