import path from 'node:path';
import { authorityFile, certificateFor, serverHosts, type Authority } from '../authority.js';
import { brokerSettings } from '../broker-settings.js';
import { certificateFile, shellVariables, START_SCRIPT, startScript, type ServerSpec } from './server-spec.js';

/** A broker as the others reach it. */
export interface BrokerPeer {
  readonly name: string;
  readonly host: string;
  readonly amqpPort: number;
  readonly erlangName: string;
}

/** A node of the broker cluster. */
export interface BrokerServer {
  readonly node: BrokerPeer;
  /** All nodes of the cluster. At the first start the others join the first one. */
  readonly nodes: readonly BrokerPeer[];
  readonly managementPort: number;
  /** Port for metrics. Absent: the plugin for them is not enabled. */
  readonly metricsPort?: number;
  readonly administratorPassword: string;
  /** The secret that the brokers share. */
  readonly cookie: string;
  readonly place: BrokerPlace;
}

/** What a provider gives a broker. Folders have the names by which the broker knows them. */
interface BrokerPlace {
  readonly filesDir: string;
  /** Home folder of the broker, with the cookie. */
  readonly home: string;
  readonly dataDir: string;
  /** True: the disk has only `SMALL_DISK_MB`. */
  readonly smallDisk: boolean;
  /** Absent: nothing is encrypted. */
  readonly authority?: Authority | undefined;
  /** What it may use of a machine that has other Erlang programs. Absent: it has all usual ports and all addresses. */
  readonly shared?: {
    readonly address: string;
    readonly epmdPort: number;
    /** Port at which the other brokers reach it. */
    readonly erlangPort: number;
    /** Erlang accepts an address as a name only in the long form. */
    readonly hasLongName: boolean;
  };
}

export async function brokerSpec(server: BrokerServer): Promise<ServerSpec> {
  const { node, nodes, managementPort, metricsPort, administratorPassword, cookie, place } = server;
  const { filesDir, home, authority, shared } = place;
  const file = (name: string) => path.join(filesDir, name);
  const seed = nodes[0] ?? node;
  const plugins = ['rabbitmq_management', ...(metricsPort === undefined ? [] : ['rabbitmq_prometheus'])];
  const variables = {
    seed: seed.name,
    seed_host: seed.host,
    seed_port: String(seed.amqpPort),
    // The cookie is in the home folder.
    HOME: home,
    // A dump would contain passwords.
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_NODENAME: node.erlangName,
    RABBITMQ_CONFIG_FILE: file(`${node.name}.conf`),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('plugins'),
    RABBITMQ_MNESIA_BASE: place.dataDir,
    RABBITMQ_LOG_BASE: path.join(home, 'log'),
    RABBITMQ_PID_FILE: path.join(home, 'pid'),
    // Ignores the machine's own RabbitMQ settings in /etc/rabbitmq.
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
    ...(shared && {
      ERL_EPMD_PORT: String(shared.epmdPort),
      ERL_EPMD_ADDRESS: shared.address,
      erlang_port: String(shared.erlangPort),
      erlang_address: shared.address.replaceAll('.', ','),
      ...(shared.hasLongName && { RABBITMQ_USE_LONGNAME: 'true' }),
    }),
  };
  const settings = brokerSettings({
    ...(shared && { address: shared.address }),
    amqpPort: node.amqpPort,
    managementPort,
    ...(metricsPort !== undefined && { metricsPort }),
    administratorPassword,
    peers: (node.name === seed.name ? [node] : nodes).map(({ erlangName }) => erlangName),
    smallDisk: place.smallDisk,
    tls: authority && { certificateFile: file(certificateFile(node)), authorityFile: authorityFile(filesDir) },
  });
  return {
    name: node.name,
    files: {
      [START_SCRIPT]: await startScript('rabbitmq'),
      [`${node.name}.env`]: shellVariables(variables),
      [`${node.name}.conf`]: settings,
      plugins: `[${plugins.join(',')}].\n`,
      cookie,
      ...(authority && {
        [certificateFile(node)]: await certificateFor(authority, serverHosts(node)),
        [path.basename(authorityFile(filesDir))]: authority.certificate,
      }),
    },
  };
}
