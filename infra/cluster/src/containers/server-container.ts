import { GenericContainer, Wait } from 'testcontainers';
import type { RunningNode } from '../running-cluster.js';
import { START_SCRIPT, type ServerSpec } from '../servers/server-spec.js';
import { NotInTime, until } from '../until.js';
import type { ContainerNetwork } from './container-network.js';
import type { Engine } from './engine.js';

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** The server, made when its container is. */
  server(): Promise<ServerSpec>;
  /** User that runs the image's server. Only this user may read the files. */
  readonly user: string;
  /** The image's data folder, and the volume that is mounted there. */
  readonly data: { readonly dir: string; readonly volume: string };
  /** Ports of this machine by port of the container, only on the loopback address. */
  readonly ports: Readonly<Record<number, number>>;
  readonly stopMs: number;
  ready(): Promise<boolean>;
  readonly readyMs: number;
}

/** Pause between two probes, ms. Each probe queries the engine and the server. */
const LOOK_MS = 300;
/** Folder of a server's files. */
export const FILES_DIR = '/run/eco';
/** Folder of the files before the container starts. The container itself sets their owner. */
const GIVEN_DIR = '/eco/given';

/** One server in a container. `create` starts it; afterwards it is stopped and started until it is discarded. */
export class ServerContainer implements RunningNode {
  #id: string | undefined;
  readonly #engine: Engine;
  readonly #network: ContainerNetwork;
  readonly #labels: Record<string, string>;
  readonly #signal: AbortSignal;

  constructor(
    readonly spec: ContainerSpec,
    engine: Engine,
    network: ContainerNetwork,
    labels: Record<string, string>,
    signal: AbortSignal,
  ) {
    this.#engine = engine;
    this.#network = network;
    this.#labels = labels;
    this.#signal = signal;
  }

  get name(): string {
    return this.spec.name;
  }

  /** Id of the container; empty before it was created. */
  get id(): string {
    return this.#id ?? '';
  }

  /** Creates and starts the container. */
  async create(): Promise<void> {
    this.#signal.throwIfAborted();
    const { name, image, user, data, ports } = this.spec;
    const { files } = await this.spec.server();
    const started = await new PlacedContainer(image)
      .placed(this.#network, name, ports)
      .withHostname(name)
      .withLabels(this.#labels)
      // Testcontainers' reaper would be another container; ours are ended by the reaper of this process.
      .withAutoCleanup(false)
      .withCopyContentToContainer(
        Object.entries(files).map(([file, content]) => {
          return { content, target: `${GIVEN_DIR}/${file}`, mode: 0o600 };
        }),
      )
      .withBindMounts([{ source: data.volume, target: data.dir, mode: 'rw' }])
      .withEntrypoint(['bash', '-c'])
      .withCommand([
        `install -d -o ${user} -m 700 ${FILES_DIR} && install -o ${user} -m 600 ${GIVEN_DIR}/* ${FILES_DIR} && exec bash ${FILES_DIR}/${START_SCRIPT} ${name}`,
      ])
      // Its answers show when it is ready.
      .withWaitStrategy(Wait.forSuccessfulCommand('true'))
      .start();
    this.#id = started.getId();
  }

  async untilReady(): Promise<void> {
    const probe = async () => {
      const { State: state } = await this.#container.inspect();
      if (!state.Running) throw await this.#failure(`ended (code ${state.ExitCode})`);
      return this.spec.ready();
    };
    await until('was not ready', probe, {
      deadlineMs: this.spec.readyMs,
      signal: this.#signal,
      pauseMs: LOOK_MS,
    }).catch(async (error: Error) => {
      throw error instanceof NotInTime ? await this.#failure(error.message) : error;
    });
  }

  async isRunning(): Promise<boolean> {
    return this.#id !== undefined && (await this.#container.inspect()).State.Running;
  }

  async kill(): Promise<void> {
    if (!(await this.isRunning())) return;
    await this.#container.kill().catch(unlessEnded);
    await until(`${this.name} did not end`, async () => !(await this.isRunning()), {
      deadlineMs: 60_000,
      pauseMs: LOOK_MS,
    });
  }

  async stop(): Promise<void> {
    if (!(await this.isRunning())) return;
    await this.resume();
    await this.#container.stop({ t: this.spec.stopMs / 1000 }).catch(unlessEnded);
  }

  async start(): Promise<void> {
    if (this.#id === undefined) await this.create();
    else if (!(await this.isRunning())) await this.#container.start();
    await this.untilReady();
  }

  /** Kills and removes it; the next start creates a new one. */
  async discard(): Promise<void> {
    await this.kill();
    await this.#container.remove({ v: true });
    this.#id = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async pause(): Promise<void> {
    if (await this.#isPaused()) return;
    await this.#container.pause();
  }

  async resume(): Promise<void> {
    if (!(await this.#isPaused())) return;
    await this.#container.unpause();
  }

  async cutOff(): Promise<void> {
    await this.#network.pull(this.name, this.id);
  }

  async reconnect(): Promise<void> {
    await this.#network.plug(this.name, this.id);
  }

  /**
   * Runs a program in the container, as root, and returns its output. Throws an error with the output if the program
   * failed.
   */
  async run(...command: string[]): Promise<string> {
    return runIn(this.#engine, this.id, command);
  }

  get #container() {
    if (this.#id === undefined) throw new Error(`${this.name} has not begun`);
    return this.#engine.getContainer(this.#id);
  }

  async #isPaused(): Promise<boolean> {
    return (await this.#container.inspect()).State.Paused;
  }

  async #failure(what: string): Promise<Error> {
    const log = await this.#container.logs({ stdout: true, stderr: true, tail: 20 });
    return new Error(`${this.name} ${what}. The end of its log:\n${plain(log)}`);
  }
}

/** A container with a given address on one network, and on no other. Testcontainers supports neither. */
class PlacedContainer extends GenericContainer {
  placed(network: ContainerNetwork, server: string, ports: Readonly<Record<number, number>>): this {
    this.networkMode = network.name;
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network.name]: network.endpointOf(server) } };
    const published = Object.entries(ports).map(([inside, outside]) => [`${inside}/tcp`, outside] as const);
    this.createOpts.ExposedPorts = Object.fromEntries(published.map(([port]) => [port, {}]));
    this.hostConfig.PortBindings = Object.fromEntries(
      published.map(([port, outside]) => [port, [{ HostIp: '127.0.0.1', HostPort: String(outside) }]]),
    );
    return this;
  }
}

export async function runIn(engine: Engine, containerId: string, command: readonly string[]): Promise<string> {
  const exec = await engine
    .getContainer(containerId)
    .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, User: 'root' });
  const stream = await exec.start({});
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const text = plain(Buffer.concat(chunks));
  const { ExitCode: code } = await exec.inspect();
  if (code !== 0) throw new Error(`${command.join(' ')} ended with code ${code}: ${text.trim()}`);
  return text;
}

/**
 * A program's output without the engine's headers. Each chunk has a header of 8 bytes, whose last four are the chunk's
 * length.
 */
function plain(framed: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length;) {
    const end = at + 8 + framed.readUInt32BE(at + 4);
    pieces.push(framed.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString();
}

/** Ignores an error that occurs because the container has ended. */
function unlessEnded(error: Error & { statusCode?: number }): void {
  if (error.statusCode !== 304 && error.statusCode !== 409) throw error;
}
