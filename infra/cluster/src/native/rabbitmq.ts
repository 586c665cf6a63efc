import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { authorityFile, CERTIFICATE_FILE, certificateFor, serverHosts } from '../authority.js';
import { BROKER_MEMORY_MAX, brokerSettings } from '../broker-settings.js';
import { declareBrokers } from '../declare-brokers.js';
import { DescriptionError, membersOf } from '../description.js';
import { managementUrlOf, type BrokerNode } from '../layout.js';
import { isListening } from '../ports.js';
import type { RunningBroker } from '../running-cluster.js';
import { writeSecretFile } from '../secrets.js';
import { inOrder, together, type Step } from '../steps.js';
import { until } from '../until.js';
import type { Native } from './native.js';
import { runningServer } from './running-server.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import { signalTree } from '../processes/process-tree.js';

/**
 * The broker cluster. Its nodes find each other through an epmd of their own, on a port of its own, so that they share
 * nothing with other Erlang programs of the machine. If each node has its own address, each has its own epmd.
 *
 * At the first start the first node starts alone and the others join it. If all start at once, a node may find no ready
 * peer and form its own cluster (seen on 3.10). On two cores that would be no faster, because nearly all of a start is
 * CPU time. Later they must start together: a node that was not the last to stop waits for those that were.
 */

/** Time limit from a node's start until it listens, ms. It needs about 6 s of CPU time, and the machine may be busy. */
const START_MS = 120_000;
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
    let seedIsUp: Promise<void> = Promise.resolve();
    let isFormed = false;
    const [seed, ...others] = this.#nodes;
    return inOrder('RabbitMQ', [
      {
        title: 'prepare',
        run: async () => {
          isFormed = await this.#isFormed();
          await this.#writeFiles();
          await Promise.all(this.#epmds.map((epmd) => epmd.start(this.#native.signal)));
        },
      },
      together('nodes', [
        ...(seed ? [{ title: seed.node.name, run: () => (seedIsUp = this.#startNode(seed, isFormed)) }] : []),
        ...others.map((each) => ({
          title: each.node.name,
          run: async (say: (text: string) => void) => {
            if (!isFormed) {
              say(`waits for ${seed?.node.name}`);
              await seedIsUp;
            }
            say('');
            await this.#startNode(each, isFormed);
          },
        })),
      ]),
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
      const { RABBITMQ_MNESIA_BASE = '' } = this.#environment(waiting.node);
      await writeFile(path.join(RABBITMQ_MNESIA_BASE, this.#erlangName(waiting.node), 'force_load'), '');
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
    await mkdir(this.#home, { recursive: true, mode: 0o700 });
    await writeSecretFile(path.join(this.#home, '.erlang.cookie'), this.#native.secrets.cookie, 0o400);
    for (const { node } of this.#nodes) {
      const dir = this.#nodeDir(node);
      await mkdir(dir, { recursive: true });
      await writeFile(path.join(dir, 'plugins'), '[rabbitmq_management].\n');
      // The file contains the administrator's password.
      await writeSecretFile(path.join(dir, 'rabbitmq.conf'), this.#configuration(node));
      const { authority } = this.#native;
      if (authority)
        await writeSecretFile(this.#certificateFile(node), await certificateFor(authority, serverHosts(node)));
    }
  }

  #configuration(node: BrokerNode): string {
    const { authority, dataDir, layout, secrets } = this.#native;
    const isSeed = node === layout.brokers[0];
    return brokerSettings({
      address: node.host,
      amqpPort: node.amqpPort,
      managementPort: node.managementPort,
      administratorPassword: secrets.broker.topology,
      peers: (isSeed ? [node] : layout.brokers).map((peer) => this.#erlangName(peer)),
      smallDisk: this.#native.disks !== undefined,
      tls: authority && { certificateFile: this.#certificateFile(node), authorityFile: authorityFile(dataDir) },
    });
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
    const { programs, logFile, network } = this.#native;
    const [command, ...args] = [...(network?.prefixOf(node.name) ?? []), programs.rabbitmqServer] as [
      string,
      ...string[],
    ];
    return {
      name: node.name,
      stage: 'brokers',
      command,
      args,
      env: {
        ...this.#environment(node),
        // The script then becomes the broker instead of waiting for it: its pid is the broker's.
        RUNNING_UNDER_SYSTEMD: 'true',
        RABBITMQ_DIST_PORT: String(node.erlangPort),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {${node.host.split('.').join(',')}}`,
      },
      cwd: '/',
      logFile: logFile(node.name),
      stopSignal: 'SIGTERM',
      stopMs: STOP_MS,
      ready: async () => (await isListening(node.amqpPort, node.host)) && isListening(node.managementPort, node.host),
      readyMs: START_MS,
      startTries: START_TRIES,
    };
  }

  /** Variables that identify this node. */
  #environment(node: BrokerNode): Record<string, string> {
    const { disks, environment, layout, network } = this.#native;
    const dir = this.#nodeDir(node);
    return {
      ...environment,
      // The cookie is in the home folder.
      HOME: this.#home,
      ERL_EPMD_PORT: String(layout.epmdPort),
      ERL_EPMD_ADDRESS: node.host,
      // A dump would contain passwords.
      ERL_CRASH_DUMP_SECONDS: '0',
      RABBITMQ_NODENAME: this.#erlangName(node),
      // Erlang accepts an address as a name only in the long form.
      ...(network && { RABBITMQ_USE_LONGNAME: 'true' }),
      RABBITMQ_CONFIG_FILE: path.join(dir, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: path.join(dir, 'plugins'),
      RABBITMQ_MNESIA_BASE: disks ? disks.dirOf(node.name) : path.join(dir, 'data'),
      RABBITMQ_LOG_BASE: path.join(dir, 'log'),
      RABBITMQ_PID_FILE: path.join(dir, 'pid'),
      // Ignores the machine's own RabbitMQ settings in /etc/rabbitmq.
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_ADVANCED_CONFIG_FILE: path.join(dir, 'advanced.config'),
    };
  }

  async #control(node: BrokerNode, args: readonly string[]): Promise<string> {
    const { network, programs } = this.#native;
    const program = path.join(path.dirname(programs.rabbitmqServer), 'rabbitmqctl');
    const [command, ...all] = [...(network?.prefixOf(node.name) ?? []), program, '--quiet', ...args] as [
      string,
      ...string[],
    ];
    const { stdout } = await promisify(execFile)(command, all, { env: this.#environment(node), cwd: '/' });
    return stdout;
  }

  /** Erlang name of a node. Another cluster has another epmd, so it may use the same names. */
  #erlangName({ name, host }: BrokerNode): string {
    return `${name}@${this.#native.network ? host : 'localhost'}`;
  }

  #nodeDir(node: BrokerNode): string {
    return path.join(this.#home, node.name);
  }

  #certificateFile(node: BrokerNode): string {
    return path.join(this.#nodeDir(node), CERTIFICATE_FILE);
  }

  #formedFile(): string {
    return path.join(this.#home, 'formed.json');
  }
}
