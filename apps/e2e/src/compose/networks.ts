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
  database: [5432],
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
 * The containers that may reach each other, as `one → other`: those that talk, and those of one role. A network leads
 * both ways, except to the forwarder: it listens only where ports of the machine arrive.
 */
export function permittedPairs(containers: readonly Container[]): string[] {
  const isPermitted = (from: string, to: string) =>
    from === to || talks.some(([one, other]) => (one === from && other === to) || (one === to && other === from));
  return pairsOf(containers)
    .filter(([from, to]) => roleOf(to) !== 'forwarder' && isPermitted(roleOf(from), roleOf(to)))
    .map(([from, to]) => `${from.service} → ${to.service}`);
}

/** Connects from each container to each address and port of all others. Returns those that answered, in the same form. */
export async function reachedPairs(project: Project, containers: readonly Container[]): Promise<string[]> {
  const reached = await Promise.all(containers.map((from) => reachedFrom(project, from, containers)));
  return reached.flat();
}

async function reachedFrom(project: Project, from: Container, containers: readonly Container[]): Promise<string[]> {
  const targets = containers
    .filter((to) => to !== from)
    .flatMap((to) =>
      to.addresses.flatMap((address) =>
        (portsOf[roleOf(to)] ?? []).map((port) => ({ to, name: `${address}/${port}` })),
      ),
    );
  const names = targets.map(({ name }) => name);
  const { stdout } = await project.compose('exec', '-T', from.service, 'bash', '-c', CONNECT_TO_EACH, 'bash', ...names);
  const answered = new Set(stdout.split('\n'));
  const reached = targets.filter(({ name }) => answered.has(name)).map(({ to }) => `${from.service} → ${to.service}`);
  return [...new Set(reached)];
}

/** Prints each of the arguments `address/port` that accepts a connection within 2 s. Tries ten at a time. */
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

function pairsOf(containers: readonly Container[]): [Container, Container][] {
  return containers.flatMap((from) =>
    containers.filter((to) => to !== from).map((to): [Container, Container] => [from, to]),
  );
}

function roleOf({ service }: Container): string {
  if (/^g\d+-\d+$/.test(service)) return 'database';
  return service.replace(/-\d+$/, '');
}
