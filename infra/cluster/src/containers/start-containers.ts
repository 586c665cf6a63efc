import { randomBytes } from 'node:crypto';
import { Cluster } from '../cluster.js';
import type { ClusterDescription } from '../description.js';
import { openHost, type OpenedHost } from '../host.js';
import { serversOf, withHosts, type Layout } from '../layout.js';
import { Reaper } from '../processes/reaper.js';
import type { RunningCluster } from '../running-cluster.js';
import { ContainerDisks } from './container-disks.js';
import { ContainerNetwork } from './container-network.js';
import { ContainerServers, PORTS } from './container-servers.js';
import { openEngine, type Engine } from './engine.js';

/** Label of every object of one cluster in an engine. */
const LABEL = 'eco.cluster';

/**
 * Starts a cluster with servers as containers and services as processes, for tests. Everything ends and is removed when
 * this process ends in any way. Returns the cluster when all of it is ready.
 */
export async function startContainers(description: ClusterDescription): Promise<RunningCluster> {
  const engine = await openEngine();
  const opened = await openHost(description);
  const reaper = new Reaper(description.dataDir);
  let cluster: Cluster;
  try {
    cluster = await containerCluster(engine, opened, reaper);
  } catch (error) {
    opened.reserved.release();
    reaper.dismiss();
    throw error;
  }
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.destroy();
    throw error;
  }
}

async function containerCluster(engine: Engine, { host, reserved }: OpenedHost, reaper: Reaper): Promise<Cluster> {
  const id = `eco-test-${randomBytes(6).toString('hex')}`;
  const labels = { [LABEL]: id };
  const remove = () => removeAll(engine, id);
  // This runs the engine's command line, because this process has ended by then.
  reaper.addCleanup(
    `docker ps -aq --filter label=${LABEL}=${id} | xargs -r docker rm -fv; docker volume ls -q --filter label=${LABEL}=${id} | xargs -r docker volume rm -f; docker network rm ${id}`,
  );
  const servers = serversOf(host.layout).map(({ name }) => name);
  try {
    const network = await ContainerNetwork.make(engine, id, servers, labels);
    const { faults } = host.description;
    const disks = new ContainerDisks(engine, id, labels, faults);
    await disks.make(servers);
    const layout = faults ? atTheirOwn(withHosts(host.layout, (server) => network.hostOf(server))) : host.layout;
    return new Cluster(
      { host: { ...host, layout: { ...layout, epmdPort: 0 } }, reserved },
      (on) => new ContainerServers(on, { engine, network, disks, labels, remove }),
      reaper,
    );
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The layout of servers that have their own addresses: each uses the usual ports of its kind. */
function atTheirOwn(layout: Layout): Layout {
  const database = <Node extends object>(node: Node) => ({ ...node, port: PORTS.postgres });
  return {
    ...layout,
    brokers: layout.brokers.map((node) => ({ ...node, amqpPort: PORTS.amqp, managementPort: PORTS.management })),
    groups: layout.groups.map(({ id, nodes: [first, ...others] }) => ({
      id,
      nodes: [database(first), ...others.map(database)],
    })),
  };
}

async function removeAll(engine: Engine, id: string): Promise<void> {
  const filters = { label: [`${LABEL}=${id}`] };
  const containers = await engine.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })));
  const { Volumes: volumes } = await engine.listVolumes({ filters });
  await Promise.all(volumes.map(({ Name }) => engine.getVolume(Name).remove({ force: true })));
  const networks = await engine.listNetworks({ filters });
  await Promise.all(networks.map(({ Id }) => engine.getNetwork(Id).remove()));
}
