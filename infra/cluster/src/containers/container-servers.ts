import { BROKER_MEMORY_MAX } from '../broker-settings.js';
import type { Servers } from '../cluster.js';
import { declareBrokers } from '../declare-brokers.js';
import { membersOf } from '../description.js';
import { asSuperuser, follow, promote } from '../failover.js';
import type { Host } from '../host.js';
import type { BrokerNode, DatabaseNode, GroupLayout } from '../layout.js';
import { primaryConnection } from '../postgres-settings.js';
import { prepareDatabases, untilReplicasStream } from '../prepare-databases.js';
import { Refused } from '../refused.js';
import type { Installation } from '../rotation/installation.js';
import type { RunningBroker, RunningDatabase, RunningGroup, RunningServer } from '../running-cluster.js';
import { brokerSpec, type BrokerPeer } from '../servers/broker-spec.js';
import { databaseSpec, REPLICATOR_FILE } from '../servers/database-spec.js';
import { START_SCRIPT } from '../servers/server-spec.js';
import { inOrder, together, type Step } from '../steps.js';
import { answersAmqp, answersHttp, answersSql } from './answers.js';
import type { ContainerDisks } from './container-disks.js';
import type { ContainerNetwork } from './container-network.js';
import { IMAGES, type Engine } from './engine.js';
import { FILES_DIR, ServerContainer, type ContainerSpec } from './server-container.js';

/** Ports of the servers inside their containers. The layout has the ports by which they are reached from outside. */
export const PORTS = { amqp: 5672, management: 15_672, postgres: 5432 } as const;

const BROKER_START_MS = 300_000;
const DATABASE_START_MS = 180_000;
const STOP_MS = 30_000;
const BROKER_HOME = '/var/lib/rabbitmq';
const DATABASE_HOME = '/var/lib/postgresql/data';

export interface ContainerGround {
  readonly engine: Engine;
  readonly network: ContainerNetwork;
  readonly disks: ContainerDisks;
  readonly labels: Record<string, string>;
  /** Removes every object of the cluster from the engine. */
  readonly remove: () => Promise<void>;
}

interface ContainerGroup {
  readonly group: GroupLayout;
  readonly containers: readonly ServerContainer[];
}

/**
 * Brokers and databases as containers of the public images, started by the same scripts as with Compose. The nodes of a
 * group start together: a replica waits until it can copy its primary, and a broker waits for the first one.
 */
export class ContainerServers implements Servers {
  readonly restartable = [];
  readonly brokers: readonly RunningBroker[];
  readonly groups: readonly RunningGroup[];
  readonly #brokers: readonly ServerContainer[];
  readonly #groups: readonly ContainerGroup[];
  readonly #host: Host;
  readonly #ground: ContainerGround;

  constructor(host: Host, ground: ContainerGround) {
    this.#host = host;
    this.#ground = ground;
    const { brokers, groups } = host.layout;
    this.#brokers = brokers.map((node) => this.#container(this.#brokerSpec(node)));
    this.brokers = brokers.map((node, index) => this.#runningBroker(node, this.#brokers[index] as ServerContainer));
    this.#groups = groups.map((group) => ({
      group,
      containers: group.nodes.map((node) => this.#container(this.#databaseSpec(node, group))),
    }));
    this.groups = this.#groups.map(({ group, containers }) => {
      const [first, ...others] = group.nodes.map((node, index) =>
        this.#runningDatabase(node, containers[index] as ServerContainer),
      );
      return { id: group.id, nodes: [first as RunningDatabase, ...others] };
    });
  }

  startStep(): Step {
    const brokers = this.#brokers.length === 0 ? [] : [this.#startBrokers()];
    return together('servers', [...brokers, ...this.#groups.map((each) => this.#startGroup(each))]);
  }

  #startBrokers(): Step {
    return inOrder('RabbitMQ', [
      together('nodes', this.#brokers.map(beginStep)),
      {
        title: 'users, exchanges and queues',
        run: () => {
          const { description, layout, secrets, signal } = this.#host;
          const { host, managementPort } = layout.brokers[0] as BrokerNode;
          return declareBrokers({
            urls: [`http://${host}:${managementPort}`],
            ...membersOf(description),
            brokers: layout.brokers.length,
            forServices: description.services,
            secrets,
            signal,
          });
        },
      },
    ]);
  }

  #startGroup({ group, containers }: ContainerGroup): Step {
    const { description, secrets, signal } = this.#host;
    const [primary, ...replicas] = containers as [ServerContainer, ...ServerContainer[]];
    const prepare = async () => {
      await prepareDatabases({
        primary: group.nodes[0],
        groupId: group.id,
        groupIds: description.groups.map(({ id }) => id),
        buckets: description.buckets,
        locations: description.branchIds,
        timeZone: description.timeZone,
        secrets,
      });
    };
    return inOrder(`PostgreSQL ${group.id}`, [
      beginStep(primary),
      { title: 'roles and schema', run: prepare },
      ...(replicas.length === 0
        ? []
        : [
            together('replicas', replicas.map(beginStep)),
            {
              title: 'replicas stream',
              run: () => untilReplicasStream(group, secrets, { deadlineMs: DATABASE_START_MS, signal }),
            },
          ]),
    ]);
  }

  /** Nothing: a suite on containers brings its servers back itself. */
  supervise(): void {}

  operate(): Promise<string> {
    throw new Refused('only servers that eco up runs as processes are operated by it');
  }

  installation(): Installation {
    throw new Refused('the secrets of a suite on containers are not rotated');
  }

  async endSupervision(): Promise<void> {}

  stopSteps(): readonly Step[] {
    const stop = (container: ServerContainer) => ({ title: container.name, run: () => container.stop() });
    return [
      together('brokers', this.#brokers.map(stop)),
      together(
        'replicas',
        this.#groups.flatMap(({ containers }) => containers.slice(1).map(stop)),
      ),
      together(
        'primaries',
        this.#groups.flatMap(({ containers }) => containers.slice(0, 1).map(stop)),
      ),
    ];
  }

  async kill(): Promise<void> {
    const all = [...this.#brokers, ...this.#groups.flatMap(({ containers }) => containers)];
    await Promise.all(all.map((container) => container.kill()));
  }

  remove(): Promise<void> {
    return this.#ground.remove();
  }

  #container(spec: ContainerSpec): ServerContainer {
    const { engine, network, labels } = this.#ground;
    return new ServerContainer(spec, engine, network, labels, this.#host.signal);
  }

  #brokerSpec(node: BrokerNode): ContainerSpec {
    const { description, layout, secrets } = this.#host;
    const url = `http://${node.host}:${node.managementPort}`;
    return {
      name: node.name,
      image: IMAGES.broker,
      server: () =>
        brokerSpec({
          node: peerOf(node),
          nodes: layout.brokers.map(peerOf),
          managementPort: PORTS.management,
          administratorPassword: secrets.broker.topology,
          cookie: secrets.cookie,
          place: {
            filesDir: FILES_DIR,
            home: BROKER_HOME,
            dataDir: `${BROKER_HOME}/mnesia`,
            smallDisk: description.faults,
          },
        }),
      user: 'rabbitmq',
      data: { dir: BROKER_HOME, volume: this.#ground.disks.volumeOf(node.name) },
      ports: this.#published({ [PORTS.amqp]: node.amqpPort, [PORTS.management]: node.managementPort }),
      stopMs: STOP_MS,
      ready: async () => (await answersAmqp(node.host, node.amqpPort)) && answersHttp(url),
      readyMs: BROKER_START_MS,
    };
  }

  #databaseSpec(node: DatabaseNode, group: GroupLayout): ContainerSpec {
    const { description, secrets } = this.#host;
    return {
      name: node.name,
      image: IMAGES.database,
      server: () =>
        databaseSpec({
          node: inside(node),
          nodes: group.nodes.map(inside),
          primary: inside(group.nodes[0]),
          isSupervised: false,
          superuserPassword: secrets.database.postgres,
          replicatorPassword: secrets.database.eco_replicator,
          place: {
            filesDir: FILES_DIR,
            dataDir: `${DATABASE_HOME}/node`,
            listenAddresses: '*',
            clients: this.#ground.network.range,
            smallDisk: description.faults,
          },
        }),
      user: 'postgres',
      data: { dir: DATABASE_HOME, volume: this.#ground.disks.volumeOf(node.name) },
      ports: this.#published({ [PORTS.postgres]: node.port }),
      stopMs: STOP_MS,
      ready: () => answersSql(node, secrets.database.postgres),
      readyMs: DATABASE_START_MS,
    };
  }

  /**
   * The published ports. With faults there are none, and each server is reached at its own address: a published port
   * would keep answering for a server that is cut off.
   */
  #published(ports: Record<number, number>): Record<number, number> {
    return this.#host.description.faults ? {} : ports;
  }

  #runningServer(host: string, container: ServerContainer): RunningServer {
    const { disks } = this.#ground;
    const whenAsked = (work: () => Promise<void>) => async () => {
      if (this.#host.description.faults) return work();
      const { name } = container;
      throw new Refused(`${name} can be cut off, and its disk filled, when the description says faults: true`);
    };
    return {
      name: container.name,
      host,
      isRunning: () => container.isRunning(),
      kill: () => container.kill(),
      stop: () => container.stop(),
      start: () => container.start(),
      restart: () => container.restart(),
      pause: () => container.pause(),
      resume: () => container.resume(),
      cutOff: whenAsked(() => container.cutOff()),
      reconnect: whenAsked(() => container.reconnect()),
      fillDisk: whenAsked(() => disks.fill(container.name)),
      freeDisk: whenAsked(() => disks.free(container.name)),
    };
  }

  #runningBroker({ host, amqpPort, managementPort }: BrokerNode, container: ServerContainer): RunningBroker {
    const control = (...args: string[]) =>
      container.run('bash', `${FILES_DIR}/${START_SCRIPT}`, container.name, 'control', ...args);
    return {
      ...this.#runningServer(host, container),
      erlangName: erlangName(container),
      amqpPort,
      managementUrl: `http://${host}:${managementPort}`,
      control,
      raiseMemoryAlarm: async () => void (await control('set_vm_memory_high_watermark', '0')),
      clearMemoryAlarm: async () => void (await control('set_vm_memory_high_watermark', 'absolute', BROKER_MEMORY_MAX)),
    };
  }

  #runningDatabase(node: DatabaseNode, container: ServerContainer): RunningDatabase {
    const password = this.#host.secrets.database.postgres;
    return {
      ...this.#runningServer(node.host, container),
      port: node.port,
      promote: () => asSuperuser(node, password, promote),
      follow: (primary) => {
        const settings = {
          node: inside(node),
          primary: inside(primary),
          passwordFile: `${FILES_DIR}/${REPLICATOR_FILE}`,
        };
        return asSuperuser(node, password, (replica) =>
          asSuperuser(primary, password, (at) => follow(replica, at, primaryConnection(settings))),
        );
      },
      lose: async () => {
        await container.discard();
        await this.#ground.disks.clear(container.name);
      },
    };
  }
}

/** Erlang name of a node. The image derives it from the host name. */
function erlangName({ name }: Pick<BrokerNode, 'name'>): string {
  return `rabbit@${name}`;
}

function peerOf({ name }: BrokerNode): BrokerPeer {
  return { name, host: name, amqpPort: PORTS.amqp, erlangName: erlangName({ name }) };
}

/** Addresses by which the nodes reach each other. */
function inside({ name }: Pick<DatabaseNode, 'name'>): DatabaseNode {
  return { name, host: name, port: PORTS.postgres };
}

function beginStep(container: ServerContainer): Step {
  return {
    title: container.name,
    run: async () => {
      await container.create();
      await container.untilReady();
    },
  };
}
