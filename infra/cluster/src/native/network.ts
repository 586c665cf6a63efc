import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Refused } from '../refused.js';

/**
 * A network of one cluster. Each server has a network namespace with a cable to a switch, to which this machine has a
 * cable too. So each server has its own address, and a pulled cable (its switch port goes down) cuts off exactly that
 * server from its peers and from us, in both directions, even in the middle of a connection. A packet filter on the
 * loopback address could not do this: there a connection between servers does not show whose it is.
 *
 * The switch has a separate namespace, because the machine's packet filter sees the traffic of a bridge of the machine
 * itself: a container engine, for example, rejects traffic that it does not know.
 *
 * Addresses are from 198.18.0.0/15, which is reserved for tests of networks (RFC 2544) and not used otherwise.
 */
export class Network {
  readonly #cables = new Map<string, { readonly host: string; readonly namespace: string; readonly port: string }>();
  readonly #number: number;

  private constructor(number: number, servers: readonly string[]) {
    this.#number = number;
    servers.forEach((server, index) => {
      this.#cables.set(server, {
        host: `198.18.${number}.${FIRST_HOST + index}`,
        namespace: `${this.#switch}-${server}`,
        port: `port-${index + 1}`,
      });
    });
  }

  /** Throws a `Refused` if this user may not create networks. */
  static async make(servers: readonly string[]): Promise<Network> {
    const network = await Network.#claim(servers);
    try {
      await network.#lay();
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  /**
   * Takes a network number that no other cluster has. The namespace's name is unique, so two clusters that start
   * together take different numbers.
   */
  static async #claim(servers: readonly string[]): Promise<Network> {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Refused(NEEDS_ROOT);
    for (let number = 1; number < 255; number++) {
      const network = new Network(number, servers);
      try {
        await ip('netns', 'add', network.#switch);
        return network;
      } catch (error) {
        if (!/File exists/.test(String(error))) throw new Refused(`${NEEDS_ROOT}: ${String(error)}`, { cause: error });
      }
    }
    throw new Error('there are 254 networks of clusters already: see ip netns');
  }

  async #lay(): Promise<void> {
    const inSwitch = ['-n', this.#switch];
    await ip(...inSwitch, 'link', 'add', 'switch', 'type', 'bridge');
    await ip(...inSwitch, 'link', 'set', 'switch', 'up');
    await ip('link', 'add', this.#switch, 'type', 'veth', 'peer', 'name', 'host', 'netns', this.#switch);
    await ip(...inSwitch, 'link', 'set', 'host', 'master', 'switch', 'up');
    await ip('addr', 'add', `198.18.${this.#number}.1/24`, 'dev', this.#switch);
    await ip('link', 'set', this.#switch, 'up');
    for (const { host, namespace, port } of this.#cables.values()) {
      await ip('netns', 'add', namespace);
      await ip(...inSwitch, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      await ip(...inSwitch, 'link', 'set', port, 'master', 'switch', 'up');
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      await ip('-n', namespace, 'addr', 'add', `${host}/24`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    }
  }

  /** The network's range in CIDR notation. */
  get range(): string {
    return `198.18.${this.#number}.0/24`;
  }

  hostOf(server: string): string {
    return this.#cable(server).host;
  }

  /** Prefix that runs a command in the server's network namespace. */
  prefixOf(server: string): readonly [string, ...string[]] {
    return ['nsenter', `--net=/run/netns/${this.#cable(server).namespace}`, '--'];
  }

  pull(server: string): Promise<void> {
    return ip('-n', this.#switch, 'link', 'set', this.#cable(server).port, 'down');
  }

  plug(server: string): Promise<void> {
    return ip('-n', this.#switch, 'link', 'set', this.#cable(server).port, 'up');
  }

  /** The cables are removed with the namespaces. */
  async remove(): Promise<void> {
    for (const namespace of this.#namespaces) await ip('netns', 'del', namespace).catch(() => undefined);
  }

  /** Shell command that removes the network. */
  get removal(): string {
    return this.#namespaces.map((namespace) => `ip netns del ${namespace}`).join('; ');
  }

  get #switch(): string {
    return `eco-net-${this.#number}`;
  }

  get #namespaces(): string[] {
    return [...[...this.#cables.values()].map(({ namespace }) => namespace), this.#switch];
  }

  #cable(server: string) {
    const cable = this.#cables.get(server);
    if (!cable) throw new Error(`there is no server ${server} on this network`);
    return cable;
  }
}

const FIRST_HOST = 10;

const NEEDS_ROOT =
  'servers that can be cut off from each other need Linux, root and the right to make network namespaces (ip netns); or run the servers as containers';

async function ip(...args: string[]): Promise<void> {
  await promisify(execFile)('ip', args);
}
