import { baseUrl, trustAuthority, type Address } from '@eco/base';
import { DescriptionError, type ClusterDescription, type PortKind } from './description.js';

/**
 * The processes of a description, their names, and their addresses. Everything is on this machine: on its loopback
 * address, or on a network that ends at this machine. Nothing here is meant to be reached from elsewhere.
 */

export const HOST = '127.0.0.1';

/** A process, and the authority of its certificate; see `Address` of @eco/base. */
interface LaidOut extends Pick<Address, 'host' | 'authority'> {
  readonly name: string;
}

export interface BrokerNode extends LaidOut {
  readonly amqpPort: number;
  readonly managementPort: number;
  /** Port at which the other brokers reach it. */
  readonly erlangPort: number;
  /** Port for its metrics; absent if they are not exported. */
  readonly metricsPort?: number;
}

export interface DatabaseNode extends LaidOut {
  readonly port: number;
}

export interface GroupLayout {
  readonly id: string;
  /** The first node was the primary when the group was created. The present primary is discovered. */
  readonly nodes: readonly [DatabaseNode, ...DatabaseNode[]];
}

export type App = 'central-api' | 'sucursal-api' | 'read-service' | 'shard-writer';

export interface ServiceNode extends LaidOut {
  readonly app: App;
  /** Port for clients; absent if the process has no API. */
  readonly port?: number;
  /** Port for operators. */
  readonly operatorsPort: number;
  /** The group that a shard-writer may lead. Other processes have none. */
  readonly groupId?: string;
  /** The branch that a sucursal-api serves. Other processes have none. */
  readonly branchId?: string;
}

/** A program that watches the cluster. It listens on the loopback address, without TLS and without a password. */
export interface Observer extends LaidOut {
  readonly program: 'prometheus' | 'alertmanager' | 'postgres-exporter';
  readonly port: number;
  /** The database node that an exporter asks. Other programs have none. */
  readonly node?: string;
}

export interface Layout {
  readonly brokers: readonly BrokerNode[];
  /** Port of the name service that names a broker's Erlang port. 0: each broker's container has its own. */
  readonly epmdPort: number;
  readonly groups: readonly GroupLayout[];
  readonly services: readonly ServiceNode[];
  /** Absent: nothing watches the cluster. */
  readonly observers?: readonly Observer[];
}

/** A port, its process, and the option that changes it. */
export interface PortUse {
  readonly port: number;
  readonly name: string;
  readonly kind: PortKind;
}

/** Takes the next port of a kind. */
export type TakePort = (kind: PortKind) => number;

export function layOut(description: ClusterDescription, take: TakePort): Layout {
  const epmdPort = take('erlang');
  const brokers = numbered('broker', description.brokers).map((name) => ({
    name,
    host: HOST,
    amqpPort: take('amqp'),
    managementPort: take('management'),
    erlangPort: take('erlang'),
  }));
  const groups = description.groups.map(({ id, replicas }): GroupLayout => {
    const node = (name: string): DatabaseNode => ({ name, host: HOST, port: take('postgres') });
    return {
      id,
      nodes: [
        node(`${id}-1`),
        ...numbered(id, 1 + replicas)
          .slice(1)
          .map(node),
      ],
    };
  });
  const servers = { brokers, epmdPort, groups };
  const watched = description.observability ? withObservers(servers, take) : servers;
  if (!description.services) return { ...watched, services: [] };

  const writersOf = description.groups.flatMap(({ id }) => new Array<string>(description.writersPerGroup).fill(id));
  const api = (app: App, kind: PortKind, name: string = app): ServiceNode => {
    return { name, app, host: HOST, port: take(kind), operatorsPort: take('operators') };
  };
  const [firstBranch = '', ...otherBranches] = description.branchIds;
  const services: ServiceNode[] = [
    api('central-api', 'central'),
    { ...api('sucursal-api', 'sucursal'), branchId: firstBranch },
    api('read-service', 'read'),
    ...writersOf.map((groupId, index) => ({
      name: `shard-writer-${index + 1}`,
      app: 'shard-writer' as const,
      host: HOST,
      operatorsPort: take('operators'),
      groupId,
    })),
    // They come last, so that another number of branches changes no other port.
    ...otherBranches.map((branchId, index) => ({
      ...api('sucursal-api', 'branches', `sucursal-api-${index + 2}`),
      branchId,
    })),
  ];
  return { ...watched, services };
}

/** Adds what watches the servers, and ports for the metrics of the brokers. */
function withObservers(servers: Omit<Layout, 'services'>, take: TakePort): Omit<Layout, 'services'> {
  const observer = (program: Observer['program'], node?: string): Observer => ({
    ...(node === undefined ? { name: program } : { name: `${node}-exporter`, node }),
    program,
    host: HOST,
    port: take('observability'),
  });
  const nodes = servers.groups.flatMap((group) => group.nodes);
  return {
    ...servers,
    observers: [
      observer('prometheus'),
      observer('alertmanager'),
      ...nodes.map(({ name }) => observer('postgres-exporter', name)),
    ],
    brokers: servers.brokers.map((broker) => ({ ...broker, metricsPort: take('observability') })),
  };
}

/** The same layout with an address for each server. */
export function withHosts(layout: Layout, hostOf: (server: string) => string): Layout {
  const moved = <Node extends { readonly name: string }>(node: Node) => ({ ...node, host: hostOf(node.name) });
  return {
    ...layout,
    brokers: layout.brokers.map(moved),
    groups: layout.groups.map(({ id, nodes: [first, ...others] }) => ({
      id,
      nodes: [moved(first), ...others.map(moved)],
    })),
  };
}

/** The same layout with the authority of every process. */
export function withAuthority(layout: Layout, authority: string | undefined): Layout {
  const signed = <Node extends LaidOut>(node: Node) => ({ ...node, authority });
  return {
    ...layout,
    brokers: layout.brokers.map(signed),
    groups: layout.groups.map((group) => signedGroup(group, authority)),
    services: layout.services.map(signed),
  };
}

export function signedGroup({ id, nodes }: GroupLayout, authority: string | undefined): GroupLayout {
  const [first, ...others] = nodes;
  return { id, nodes: [{ ...first, authority }, ...others.map((node) => ({ ...node, authority }))] };
}

/** From now on this process trusts the certificates of these processes, also in `fetch`. */
export function trustLayout(layout: Layout): void {
  const authorities = [...serversOf(layout), ...layout.services].map(({ authority }) => authority);
  for (const authority of new Set(authorities)) trustAuthority(authority);
}

/** URL of a broker's management UI and API. */
export function managementUrlOf(node: BrokerNode): string {
  return baseUrl({ ...node, port: node.managementPort });
}

/** URL of a service for clients. Without an API it is the one for operators. */
export function clientUrlOf(service: ServiceNode): string {
  return baseUrl({ ...service, port: service.port ?? service.operatorsPort });
}

export function operatorsUrlOf(service: ServiceNode): string {
  return baseUrl({ ...service, port: service.operatorsPort });
}

/** The brokers' addresses for messages. */
export function brokerAddresses({
  brokers,
}: {
  readonly brokers: readonly Pick<BrokerNode, 'host' | 'amqpPort' | 'authority'>[];
}): Address[] {
  return brokers.map(({ host, amqpPort: port, authority }) => ({ host, port, authority }));
}

/** The brokers and the databases. */
export function serversOf({ brokers, groups }: Layout): (BrokerNode | DatabaseNode)[] {
  return [...brokers, ...groups.flatMap(({ nodes }) => nodes)];
}

/** Counts up from each kind's first port; `free` returns a port for a kind whose first is 0. */
export function countUp(description: ClusterDescription, free: () => number): TakePort {
  const next: Record<PortKind, number> = { ...description.ports };
  return (kind) => (next[kind] === 0 ? free() : next[kind]++);
}

export function portsOf(layout: Layout): PortUse[] {
  return [
    ...(layout.brokers.length > 0 ? [{ port: layout.epmdPort, name: 'epmd', kind: 'erlang' as const }] : []),
    ...layout.brokers.flatMap(({ name, amqpPort, managementPort, erlangPort, metricsPort }): PortUse[] => [
      { port: amqpPort, name, kind: 'amqp' },
      { port: managementPort, name: `${name} (management)`, kind: 'management' },
      { port: erlangPort, name: `${name} (cluster)`, kind: 'erlang' },
      ...(metricsPort === undefined
        ? []
        : [{ port: metricsPort, name: `${name} (metrics)`, kind: 'observability' as const }]),
    ]),
    ...(layout.observers ?? []).map(({ name, port }): PortUse => ({ port, name, kind: 'observability' })),
    ...layout.groups.flatMap(({ nodes }) =>
      nodes.map(({ name, port }): PortUse => ({ port, name: `PostgreSQL ${name}`, kind: 'postgres' })),
    ),
    ...layout.services.flatMap(({ name, app, port, operatorsPort }): PortUse[] => [
      ...(port === undefined || app === 'shard-writer' ? [] : [{ port, name, kind: kindOfApi(name, app) }]),
      { port: operatorsPort, name: `${name} (operators)`, kind: 'operators' },
    ]),
  ];
}

/** Throws a `DescriptionError` if two would listen on one port, or a port is beyond the last. */
export function checkPorts(uses: readonly PortUse[]): void {
  const faults = uses.flatMap(({ port, name, kind }, index) => {
    const other = uses.slice(0, index).find((use) => use.port === port);
    if (other) return [`ports.${kind}: ${name} and ${other.name} would both listen on ${port}`];
    return port > 65_535 ? [`ports.${kind}: ${name} would listen on ${port}, beyond the last port`] : [];
  });
  if (faults.length > 0) throw new DescriptionError(faults);
}

function kindOfApi(name: string, app: Exclude<App, 'shard-writer'>): PortKind {
  switch (app) {
    case 'central-api':
      return 'central';
    case 'sucursal-api':
      return name === app ? 'sucursal' : 'branches';
    case 'read-service':
      return 'read';
  }
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
