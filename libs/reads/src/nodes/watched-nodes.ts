import { ReplicationWatch } from '@eco/database';
import type { ChangingLogin, Log } from '@eco/base';
import { primaryOf, type NodeAnswer } from '@eco/postgres';
import { compareBatchPositions } from '@eco/routing';
import { GroupClock } from './group-clock.js';
import { Node, type NamedNode, type NodeSettings } from './node.js';

/**
 * The nodes of one group. Each is probed at a fixed pace, so role changes, restarts and replaced nodes are noticed
 * without any notification.
 */
export class WatchedNodes {
  readonly nodes: readonly Node[];
  readonly #clock = new GroupClock();
  readonly #logged = new Map<Node, string>();
  readonly #replication: ReplicationWatch | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #probeEveryMs: number;
  readonly #log: Log;

  constructor(
    readonly group: string,
    addresses: readonly NamedNode[],
    settings: NodeSettings,
    probeEveryMs: number,
    log: Log,
    /** Login that may ask the primary which nodes follow it; absent: this process does not learn it. */
    monitor?: ChangingLogin,
  ) {
    this.#probeEveryMs = probeEveryMs;
    this.#log = log;
    this.#replication = monitor && new ReplicationWatch(addresses, monitor);
    this.nodes = addresses.map(
      (address) =>
        new Node(address, settings, this.#clock, (node) => {
          assignRoles(this.nodes);
          this.#logState(node);
        }),
    );
  }

  /** Settles when every node has answered or failed once. It may be called twice. */
  async start(): Promise<void> {
    this.#timer ??= setInterval(() => void this.#round(), this.#probeEveryMs);
    await this.#round();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#replication?.close();
    for (const node of this.nodes) node.stop();
  }

  /** Nodes that can be read now, without those that a reader avoids. */
  readable(avoided?: ReadonlySet<Node>): Node[] {
    return this.nodes.filter((node) => node.reachable && node.assigned !== 'deposed' && avoided?.has(node) !== true);
  }

  /** The group's current time, ms since 1970; undefined: nothing was seen of it. */
  get groupNowMs(): number | undefined {
    return this.#clock.nowMs(performance.now());
  }

  /** Time for which the group has not moved, as far as this process sees, ms. */
  get stillMs(): number {
    return this.#clock.stillMs(performance.now());
  }

  /** BUCKETS of the cluster; undefined: no node of this group was seen. */
  get buckets(): number | undefined {
    return this.#farthest()?.lastProbe?.buckets;
  }

  /** Buckets that the group owned when it was last seen. */
  get ownedBuckets(): readonly number[] {
    return this.#farthest()?.lastProbe?.ownedBuckets ?? [];
  }

  #farthest(): Node | undefined {
    let farthest: Node | undefined;
    for (const node of this.nodes) {
      if (node.lastProbe === undefined) continue;
      if (farthest === undefined || compareBatchPositions(node.position, farthest.position) > 0) farthest = node;
    }
    return farthest;
  }

  async #round(): Promise<void> {
    // A probe of a stalled node takes longer than a round.
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    await Promise.all(this.nodes.map((node) => node.probe()));
  }

  async #look(): Promise<void> {
    for (const seen of (await this.#replication?.look()) ?? []) {
      const node = this.nodes.find(({ name }) => name === seen.name);
      if (node !== undefined) node.replication = seen;
    }
  }

  #logState(node: Node): void {
    const follows = node.follows ? '' : ', and does not follow its primary';
    const state = node.reachable ? `reachable as ${node.assigned}${follows}` : 'not reachable';
    if (this.#logged.get(node) === state) return;
    this.#logged.set(node, state);
    const line = { group: this.group, node: node.name, role: node.assigned, fault: node.fault };
    if (node.reachable && node.follows) this.#log.info(line, `${node.name} is ${state}`);
    else this.#log.warn(line, `${node.name} is ${state}${node.reachable ? '' : `: ${node.fault}`}`);
  }
}

/**
 * Assigns each node's role from its last report. If several nodes say that they are primary, only one is (R7). An
 * unreachable node keeps its role until it answers again.
 */
export function assignRoles(nodes: readonly RoleHolder[]): void {
  const answering = nodes.filter((node) => node.reachable && node.lastProbe !== undefined);
  const primary = primaryOf(answering.map(answerOf));
  for (const node of answering) {
    if (node.lastProbe?.inRecovery === true) node.assigned = 'replica';
    else node.assigned = node.address === primary?.node ? 'primary' : 'deposed';
  }
}

export type RoleHolder = Pick<Node, 'lastProbe' | 'reachable' | 'address' | 'assigned'>;

function answerOf({ address, lastProbe }: RoleHolder): NodeAnswer {
  if (lastProbe?.timeline === undefined) return { type: 'replica', node: address };
  return { type: 'primary', node: address, timeline: lastProbe.timeline };
}
