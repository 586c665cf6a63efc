import type { Project } from './project.js';

/** Roles of containers that talk to each other: the first opens the connections. compose.yaml has a network for each. */
const talks: readonly (readonly [string, string])[] = [
  ['nginx', 'central-api'],
  ['central-api', 'broker'],
  ['sucursal-api', 'broker'],
  ['shard-writer', 'broker'],
  ['central-api', 'database'],
  ['sucursal-api', 'read-service'],
  ['read-service', 'database'],
  ['shard-writer', 'database'],
  ['database', 'etcd'],
  ['forwarder', 'broker'],
  ['forwarder', 'database'],
  ['forwarder', 'shard-writer'],
];

/** Ports on which the containers of a role listen. */
const portsOf: Readonly<Record<string, readonly number[]>> = {
  nginx: [8080],
  'central-api': [8000, 9000],
  'sucursal-api': [8002, 9000],
  'read-service': [8003, 9000],
  'shard-writer': [9000],
  broker: [5671, 15_672, 25_672],
  database: [5432, 8008],
  etcd: [2379, 2380],
  forwarder: [5672, 5432, 9003],
};

/** A running container, with its networks and its address on each. */
export interface Container {
  readonly service: string;
  readonly networks: readonly string[];
  readonly addresses: readonly string[];
}

export async function runningContainers(project: Project): Promise<Container[]> {
  const ids = (await project.compose('ps', '--quiet')).stdout.trim().split('\n');
  const inspected = JSON.parse((await project.docker('inspect', ...ids)).stdout) as Inspected[];
  return inspected.map(({ Config, NetworkSettings }) => ({
    service: Config.Labels['com.docker.compose.service'] ?? '',
    networks: Object.keys(NetworkSettings.Networks),
    addresses: Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress),
  }));
}

interface Inspected {
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

/**
 * The pairs of containers, as `one → other`: those that may reach each other, because they talk or are of one role, and
 * the others. A network leads both ways, except to the forwarder: it listens only where ports of the machine arrive.
 */
export function pairsOf(containers: readonly Container[]): { permitted: string[]; others: string[] } {
  const isPermitted = (from: string, to: string) =>
    from === to || talks.some(([one, other]) => (one === from && other === to) || (one === to && other === from));
  const pairs = containers.flatMap((from) =>
    containers
      .filter((to) => to !== from)
      .map((to) => ({
        name: pairOf(from, to),
        permitted: roleOf(to) !== 'forwarder' && isPermitted(roleOf(from), roleOf(to)),
      })),
  );
  return {
    permitted: pairs.filter(({ permitted }) => permitted).map(({ name }) => name),
    others: pairs.filter(({ permitted }) => !permitted).map(({ name }) => name),
  };
}

/** Connects to each address and port of the second container of each pair. Returns the pairs that have a connection. */
export async function reachedPairs(
  project: Project,
  containers: readonly Container[],
  pairs: readonly string[],
): Promise<string[]> {
  const wanted = new Set(pairs);
  const othersOf = (from: Container) => containers.filter((to) => wanted.has(pairOf(from, to)));
  const reached = await Promise.all(containers.map((from) => reachedFrom(project, from, othersOf(from))));
  return reached.flat();
}

async function reachedFrom(project: Project, from: Container, others: readonly Container[]): Promise<string[]> {
  const targets = others.flatMap((to) =>
    to.addresses.flatMap((address) => (portsOf[roleOf(to)] ?? []).map((port) => ({ to, name: `${address}/${port}` }))),
  );
  const names = targets.map(({ name }) => name);
  if (names.length === 0) return [];
  const { stdout } = await project.compose('exec', '-T', from.service, 'bash', '-c', CONNECT_TO_EACH, 'bash', ...names);
  const answered = new Set(stdout.split('\n'));
  return [...new Set(targets.filter(({ name }) => answered.has(name)).map(({ to }) => pairOf(from, to)))];
}

function pairOf(from: Container, to: Container): string {
  return `${from.service} → ${to.service}`;
}

/** Prints each of the arguments `address/port` that accepts a connection within 2 s. Tries ten at a time: a container may have few processes. */
const CONNECT_TO_EACH = `
  n=0
  for each in "$@"; do
    { timeout 2 bash -c "exec 3<>/dev/tcp/$each" 2>/dev/null && echo "$each"; } &
    ((++n % 10)) || wait
  done
  wait`;

/** The services with a container in a network that is not internal, as the engine reports it: these have a way out. */
export async function servicesWithWayOut(project: Project, containers: readonly Container[]): Promise<string[]> {
  const names = [...new Set(containers.flatMap(({ networks }) => networks))];
  const inspected = JSON.parse((await project.docker('network', 'inspect', ...names)).stdout) as Network[];
  const internal = new Set(inspected.filter(({ Internal }) => Internal).map(({ Name }) => Name));
  return containers
    .filter(({ networks }) => networks.some((name) => !internal.has(name)))
    .map(({ service }) => service);
}

interface Network {
  readonly Name: string;
  readonly Internal: boolean;
}

function roleOf({ service }: Container): string {
  if (/^g\d+-\d+$/.test(service)) return 'database';
  return service.replace(/-\d+$/, '');
}
