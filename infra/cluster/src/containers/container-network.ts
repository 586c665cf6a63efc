import type { Engine } from './engine.js';

/**
 * A network of one cluster, on which each server keeps its address. Otherwise a restarted container would get any free
 * address. Ranges are from 198.19.0.0/16, reserved for tests of networks (RFC 2544); processes use 198.18.0.0/16.
 */
export class ContainerNetwork {
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #engine: Engine;

  private constructor(
    engine: Engine,
    readonly name: string,
    readonly range: string,
    servers: readonly string[],
  ) {
    this.#engine = engine;
    const prefix = range.split('.').slice(0, 3).join('.');
    this.#hosts = new Map(servers.map((server, index) => [server, `${prefix}.${FIRST_HOST + index}`]));
  }

  static async make(
    engine: Engine,
    name: string,
    servers: readonly string[],
    labels: Record<string, string>,
  ): Promise<ContainerNetwork> {
    const first = Math.floor(Math.random() * RANGES);
    for (let tried = 0; tried < RANGES; tried++) {
      const range = `198.19.${(first + tried) % RANGES}.0/24`;
      try {
        await engine.createNetwork({
          Name: name,
          Labels: labels,
          IPAM: { Driver: 'default', Config: [{ Subnet: range }] },
        });
        return new ContainerNetwork(engine, name, range, servers);
      } catch (error) {
        if (!/overlap/i.test(String(error))) throw error;
      }
    }
    throw new Error(`there are ${RANGES} networks of clusters already: see docker network ls`);
  }

  hostOf(server: string): string {
    const host = this.#hosts.get(server);
    if (host === undefined) throw new Error(`there is no server ${server} on this network`);
    return host;
  }

  /** Entry of a container on this network, where its name is the name of its server. */
  endpointOf(server: string) {
    return { Aliases: [server], IPAMConfig: { IPv4Address: this.hostOf(server) } };
  }

  async pull(server: string, containerId: string): Promise<void> {
    await this.#engine.getNetwork(this.name).disconnect({ Container: containerId, Force: true });
  }

  async plug(server: string, containerId: string): Promise<void> {
    await this.#engine
      .getNetwork(this.name)
      .connect({ Container: containerId, EndpointConfig: this.endpointOf(server) });
  }

  async remove(): Promise<void> {
    await this.#engine.getNetwork(this.name).remove();
  }
}

const RANGES = 255;
const FIRST_HOST = 10;
