import { VHOST } from '@eco/broker';
import { BROKER_MESSAGE_BYTES_MAX } from '@eco/contracts';
import { SMALL_DISK_MB } from './description.js';
import type { ServerTls } from './postgres-settings.js';

/** Memory of each node. By default a node takes a share of the machine's memory, as if it ran alone. */
export const BROKER_MEMORY_MAX = '1GB';

/** Settings of a broker, as a process or in a container. */
export interface BrokerSettings {
  /** The one address that the broker listens on. Absent: it listens on all. */
  readonly address?: string;
  readonly amqpPort: number;
  readonly managementPort: number;
  /** Port for metrics. Absent: the plugin for them is not enabled. */
  readonly metricsPort?: number;
  readonly administratorPassword: string;
  /** Erlang names of the nodes to join at the first start. The seed starts first and names only itself. */
  readonly peers: readonly string[];
  /** True: the disk has only `SMALL_DISK_MB`. */
  readonly smallDisk: boolean;
  /** Absent: nothing is encrypted. With TLS there is no listener without it. */
  readonly tls?: ServerTls | undefined;
}

/** Text of a rabbitmq.conf. It contains a password. */
export function brokerSettings(broker: BrokerSettings): string {
  const { address, amqpPort, managementPort, administratorPassword, peers, smallDisk, tls, metricsPort } = broker;
  const listener = `${address === undefined ? '' : `${address}:`}${amqpPort}`;
  const management = tls ? 'management.ssl' : 'management.tcp';
  const lines = [
    ...(tls
      ? ['listeners.tcp = none', `listeners.ssl.default = ${listener}`, ...tlsLines('ssl_options', tls)]
      : [`listeners.tcp.default = ${listener}`]),
    ...(address === undefined ? [] : [`${management}.ip = ${address}`]),
    `${management}.port = ${managementPort}`,
    ...(tls ? tlsLines(management, tls) : []),
    ...(metricsPort === undefined ? [] : metricsLines(metricsPort, broker)),
    // This user and this vhost replace RabbitMQ's default user `guest` and vhost `/`.
    `default_vhost = ${VHOST}`,
    'default_user = topology',
    `default_pass = ${administratorPassword}`,
    'default_user_tags.administrator = true',
    'cluster_formation.peer_discovery_backend = classic_config',
    ...peers.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}`),
    // The side of a partition without a majority stops instead of continuing alone.
    'cluster_partition_handling = pause_minority',
    // The default is 128 MiB (3.10) or 16 MiB (4.0), and a writer would have to read every byte of a message.
    `max_message_size = ${BROKER_MESSAGE_BYTES_MAX}`,
    // In seconds. A broker that is cut off is then noticed after 8 to 13 s, not after a minute.
    'net_ticktime = 10',
    // Size of one log file of a node, which keeps up to three of them in memory. The default is 512 MiB.
    `raft.wal_max_size_bytes = ${64 * 1024 * 1024}`,
    `vm_memory_high_watermark.absolute = ${BROKER_MEMORY_MAX}`,
    // Below this limit all publishers are blocked, so that accepted messages can still be processed.
    `disk_free_limit.absolute = ${smallDisk ? SMALL_DISK_MB / 8 : 512}MB`,
    'log.console = true',
    'log.console.level = info',
    'log.file = false',
  ];
  return `${lines.join('\n')}\n`;
}

function metricsLines(port: number, { address, tls }: BrokerSettings): string[] {
  if (!tls)
    return [...(address === undefined ? [] : [`prometheus.tcp.ip = ${address}`]), `prometheus.tcp.port = ${port}`];
  return [
    // The plugin always has a listener without TLS; only this machine reaches it. A broker that shares the machine gets
    // any port for it.
    'prometheus.tcp.ip = 127.0.0.1',
    ...(address === undefined ? [] : ['prometheus.tcp.port = 0', `prometheus.ssl.ip = ${address}`]),
    `prometheus.ssl.port = ${port}`,
    ...tlsLines('prometheus.ssl', tls),
  ];
}

/** Settings of a listener. Clients prove themselves by a password, so they need no certificate. */
function tlsLines(prefix: string, { certificateFile, authorityFile }: ServerTls): string[] {
  return [
    `${prefix}.cacertfile = ${authorityFile}`,
    `${prefix}.certfile = ${certificateFile}`,
    `${prefix}.keyfile = ${certificateFile}`,
    `${prefix}.versions.1 = tlsv1.3`,
    `${prefix}.versions.2 = tlsv1.2`,
  ];
}
