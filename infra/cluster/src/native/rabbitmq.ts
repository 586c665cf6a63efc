import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { BROKER_MEMORY_MAX } from '../broker-settings.js';
import { declareBrokers } from '../declare-brokers.js';
import { DescriptionError, membersOf } from '../description.js';
import { managementUrlOf, type BrokerNode } from '../layout.js';
import { isListening } from '../ports.js';
import type { RunningBroker } from '../running-cluster.js';
import { brokerSpec, type BrokerPeer } from '../servers/broker-spec.js';
import { inOrder, together, type Step } from '../steps.js';
import { until } from '../until.js';
import type { Native } from './native.js';
import { runningServer } from './running-server.js';
import { makeFilesDir, startScriptOf, writeFiles } from './start-script.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import { signalTree } from '../processes/process-tree.js';

/**
 * The broker cluster. Its nodes find each other through an epmd of their own, on a port of its own, so that they share
 * nothing with other Erlang programs of the machine. If each node has its own address, each has its own epmd.
 * The start script lets the first node start alone at the first start.
 */

/**
 * Time limit from a node's start until it listens, ms. It needs about 6 s of CPU time, the machine may be busy, and at
 * the first start it waits for the first node.
 */
const START_MS = 240_000;
/**
 * Number of tries. RabbitMQ 3.10 ends if the node whose feature flags it queries is starting at the same time (seen on
 * a busy machine).
 */
const START_TRIES = 3;
/** Wait for the other nodes after the first one's start has failed, ms. They start in half of this time. */
const WAIT_FOR_LAST_MS = 20_000;
/** The management agent alone takes 5 s to stop. */
const STOP_MS = 30_000;

interface Started {
  readonly node: BrokerNode;
  readonly process: NativeProcess;
}

export class Rabbitmq {
  readonly #native: Native;
  readonly #home: string;
  readonly #epmds: readonly NativeProcess[];
  readonly #nodes: readonly Started[];
  readonly brokers: readonly RunningBroker[];
  readonly #failed = new Set<BrokerNode>();
  readonly #ready = new Set<BrokerNode>();

  constructor(native: Native) {
    this.#native = native;
    this.#home = path.join(native.dataDir, 'rabbitmq');
    const { brokers } = native.layout;
    this.#epmds = (native.network ? brokers : brokers.slice(0, 1)).map((node) => native.process(this.#epmdSpec(node)));
    this.#nodes = brokers.map((node) => ({ node, process: native.process(this.#nodeSpec(node)) }));
    this.brokers = this.#nodes.map(({ node, process }) => this.#runningBroker(node, process));
  }

  get processes(): readonly NativeProcess[] {
    return [...this.#epmds, ...this.#nodes.map(({ process }) => process)];
  }

  #runningBroker(node: BrokerNode, process: NativeProcess): RunningBroker {
    const control = (...args: string[]) => this.#control(node, args);
    return {
      ...runningServer(this.#native, node.host, process),
      erlangName: this.#erlangName(node),
      amqpPort: node.amqpPort,
      authority: node.authority,
      managementUrl: managementUrlOf(node),
      control,
      raiseMemoryAlarm: async () => void (await control('set_vm_memory_high_watermark', '0')),
      clearMemoryAlarm: async () => void (await control('set_vm_memory_high_watermark', 'absolute', BROKER_MEMORY_MAX)),
    };
  }

  /** URL of the management API of a broker that is ready. */
  get #managementUrl(): string {
    const { brokers } = this.#native.layout;
    return managementUrlOf((brokers.find((each) => this.#ready.has(each)) ?? brokers[0]) as BrokerNode);
  }

  startStep(): Step {
    let isFormed = false;
    return inOrder('RabbitMQ', [
      {
        title: 'prepare',
        run: async () => {
          isFormed = await this.#isFormed();
          await this.#writeFiles();
          await Promise.all(this.#epmds.map((epmd) => epmd.start(this.#native.signal)));
        },
      },
      together(
        'nodes',
        this.#nodes.map((each) => ({ title: each.node.name, run: () => this.#startNode(each, isFormed) })),
      ),
      { title: 'users, exchanges and queues', run: () => this.#declare() },
    ]);
  }

  /**
   * Starts a node. An existing cluster needs only a majority. A new one needs all nodes, because the queues get their
   * members when they are declared.
   */
  async #startNode({ node, process }: Started, isFormed: boolean): Promise<void> {
    const { signal, missing } = this.#native;
    try {
      await process.start(signal);
      this.#ready.add(node);
    } catch (error) {
      signal.throwIfAborted();
      this.#failed.add(node);
      if (!isFormed || this.#failed.size * 2 > this.#nodes.length) throw error;
      missing(node.name, error as Error, () => process.start());
      if (this.#failed.size === 1) void this.#startWithoutTheLast();
    }
  }

  /**
   * A node waits up to five minutes for those that still ran when it stopped. If one of these can't start, the first
   * waiting node is started without it, as `rabbitmqctl force_boot` does; the next ones join that node. Messages are
   * safe: the queues have their own members. Users and queues are declared at each start.
   */
  async #startWithoutTheLast(): Promise<void> {
    const { signal } = this.#native;
    const othersStart = () => this.#ready.size > 0;
    await until('no broker is ready', othersStart, { deadlineMs: WAIT_FOR_LAST_MS, signal }).catch(async () => {
      const waiting = this.#nodes.find(({ node, process }) => process.running && !this.#failed.has(node));
      if (!waiting || signal.aborted) return;
      await writeFile(path.join(this.#dataDir(waiting.node), this.#erlangName(waiting.node), 'force_load'), '');
      // This counts as one of its start attempts, and it is started again.
      signalTree(waiting.process.pid, 'SIGKILL');
    });
  }

  /**
   * Whether the cluster was formed. If its creation was interrupted, no client has used it, and its data is removed.
   */
  async #isFormed(): Promise<boolean> {
    const brokers = this.#nodes.length;
    const text = await readFile(this.#formedFile(), 'utf8').catch(() => undefined);
    if (text === undefined) {
      await rm(this.#home, { recursive: true, force: true });
      return false;
    }
    const formed = z.object({ brokers: z.int() }).parse(JSON.parse(text));
    if (formed.brokers !== brokers) {
      throw new DescriptionError([
        `brokers: ${this.#native.dataDir} holds a cluster of ${formed.brokers}, not ${brokers}: start with --brokers ${formed.brokers}, or remove the data`,
      ]);
    }
    return true;
  }

  async #declare(): Promise<void> {
    const { description, secrets, signal } = this.#native;
    const brokers = this.#nodes.length;
    await declareBrokers({
      urls: [this.#managementUrl],
      ...membersOf(description),
      brokers,
      running: () => this.#ready.size,
      forServices: description.services,
      secrets,
      signal,
    });
    await writeFile(this.#formedFile(), JSON.stringify({ brokers }));
  }

  async #writeFiles(): Promise<void> {
    const { authority, dataDir, disks, layout, network, secrets } = this.#native;
    const peers = layout.brokers.map((node): BrokerPeer => ({ ...node, erlangName: this.#erlangName(node) }));
    for (const [index, node] of peers.entries()) {
      const { managementPort, erlangPort, metricsPort } = layout.brokers[index] as BrokerNode;
      const filesDir = await makeFilesDir(dataDir, node.name);
      const home = this.#nodeDir(node);
      await mkdir(home, { recursive: true, mode: 0o700 });
      const shared = { address: node.host, epmdPort: layout.epmdPort, erlangPort, hasLongName: network !== undefined };
      const spec = await brokerSpec({
        node,
        nodes: peers,
        managementPort,
        ...(metricsPort !== undefined && { metricsPort }),
        administratorPassword: secrets.broker.topology,
        cookie: secrets.cookie,
        place: { filesDir, home, dataDir: this.#dataDir(node), smallDisk: disks !== undefined, authority, shared },
      });
      await writeFiles(filesDir, spec);
    }
  }

  #epmdSpec({ name: broker, host }: BrokerNode): ProcessSpec {
    const { environment, layout, logFile, network, programs } = this.#native;
    const name = network ? `${broker}-epmd` : 'epmd';
    const [command, ...args] = [...(network?.prefixOf(broker) ?? []), programs.epmd] as [string, ...string[]];
    return {
      name,
      stage: 'epmd',
      command,
      args: [...args, '-port', String(layout.epmdPort), '-address', host],
      env: environment,
      cwd: '/',
      logFile: logFile(name),
      stopSignal: 'SIGTERM',
      stopMs: 5000,
      ready: () => isListening(layout.epmdPort, host),
      readyMs: 10_000,
    };
  }

  #nodeSpec(node: BrokerNode): ProcessSpec {
    const { logFile } = this.#native;
    const [command, args] = this.#commandOn(node, 'serve');
    return {
      name: node.name,
      stage: 'brokers',
      command,
      args,
      env: this.#environment,
      cwd: '/',
      logFile: logFile(node.name),
      stopSignal: 'SIGTERM',
      stopMs: STOP_MS,
      ready: async () => (await isListening(node.amqpPort, node.host)) && isListening(node.managementPort, node.host),
      readyMs: START_MS,
      startTries: START_TRIES,
    };
  }

  async #control(node: BrokerNode, args: readonly string[]): Promise<string> {
    const [command, all] = this.#commandOn(node, 'control', ...args);
    const { stdout } = await promisify(execFile)(command, all, { env: this.#environment, cwd: '/' });
    return stdout;
  }

  /** The command line that runs the start script in the node's network. */
  #commandOn({ name }: BrokerNode, ...args: readonly string[]): [string, string[]] {
    const { dataDir, network } = this.#native;
    const all = [...(network?.prefixOf(name) ?? []), 'bash', startScriptOf(dataDir, name), name, ...args];
    return [all[0] as string, all.slice(1)];
  }

  get #environment(): Record<string, string> {
    const { environment, programs } = this.#native;
    return { ...environment, PATH: `${path.dirname(programs.rabbitmqServer)}:${environment['PATH'] ?? ''}` };
  }

  /** Erlang name of a node. Another cluster has another epmd, so it may use the same names. */
  #erlangName({ name, host }: Pick<BrokerNode, 'name' | 'host'>): string {
    return `${name}@${this.#native.network ? host : 'localhost'}`;
  }

  #nodeDir({ name }: Pick<BrokerNode, 'name'>): string {
    return path.join(this.#home, name);
  }

  #dataDir(node: Pick<BrokerNode, 'name'>): string {
    return this.#native.disks?.dirOf(node.name) ?? path.join(this.#nodeDir(node), 'data');
  }

  #formedFile(): string {
    return path.join(this.#home, 'formed.json');
  }
}
