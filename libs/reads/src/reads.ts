import type { Registry } from 'prom-client';
import type { Address, ChangingLogin, Log } from '@eco/base';
import { bucketOf, bucketOfId, isUuid } from '@eco/routing';
import type { GroupAnswer, ReadFailure, ReadOptions } from './answer.js';
import { readCommandStatus, type AskedCommand, type CommandStatus } from './command-status.js';
import { GroupReader } from './group-reader.js';
import { GroupsSeen, type SeenGroup } from './groups-seen.js';
import { ReadMetrics } from './metrics.js';
import { WatchedNodes } from './nodes/watched-nodes.js';
import type { NodeStatus } from './nodes/node.js';
import type { Query } from './query.js';
import { READ_DEFAULTS, type ReadSettings } from './settings.js';

export interface ReadsOptions {
  /** Every node of each group; which one is the primary is discovered. */
  readonly groups: readonly { readonly id: string; readonly nodes: readonly Address[] }[];
  /** Of `eco_reader`. */
  readonly login: ChangingLogin;
  /** Login of `eco_monitor`, to see which nodes follow the primary and how far; absent: unknown in this process. */
  readonly monitor?: ChangingLogin;
  /** Name of the sessions in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly settings?: Partial<ReadSettings>;
}

export interface NodeReport extends NodeStatus {
  /** Reads answered by it since this process started. */
  readonly reads: number;
  /** Share of its group's reads, 0 to 1. */
  readonly share: number;
}

/** Reads of all groups. It knows which group owns what, and uses each group's reader. */
export class Reads {
  readonly #groups: readonly GroupReader[];
  readonly #metrics: ReadMetrics;
  readonly #seen: GroupsSeen;

  constructor({ groups, login, monitor, applicationName, log, registry, settings }: ReadsOptions) {
    const all = readSettingsIn({ ...READ_DEFAULTS, ...settings });
    this.freshWaitMs = all.freshWaitMs;
    this.#metrics = new ReadMetrics(registry, () => this.#statuses());
    this.#groups = groups.map(({ id, nodes }) => {
      const named = nodes.map((node, index) => ({ ...node, group: id, name: `${id}-${index + 1}` }));
      const watched = new WatchedNodes(id, named, { ...all, login, applicationName }, all.probeEveryMs, log, monitor);
      return new GroupReader(watched, all, this.#metrics);
    });
    this.#seen = new GroupsSeen(this.seenGroups);
  }

  /** Settles when every node has answered or failed once. Nodes that are away are looked for from then on. */
  async start(): Promise<void> {
    await Promise.all(this.#groups.map(({ nodes }) => nodes.start()));
  }

  stop(): void {
    for (const { nodes } of this.#groups) nodes.stop();
  }

  /** Longest wait of a reader for the freshness that it requires, ms. */
  readonly freshWaitMs: number;

  get groupIds(): string[] {
    return this.#groups.map(({ group }) => group);
  }

  /** Groups without a readable node; empty: all is well. */
  groupsMissing(): string[] {
    return this.#groups.filter(({ nodes }) => nodes.readable().length === 0).map(({ group }) => group);
  }

  report(): NodeReport[] {
    const statuses = this.#statuses().map((status) => ({ ...status, reads: this.#metrics.readsOf(status.name) }));
    return statuses.map((status) => {
      const ofGroup = statuses.filter(({ group }) => group === status.group);
      const total = ofGroup.reduce((sum, { reads }) => sum + reads, 0);
      return { ...status, share: total === 0 ? 0 : status.reads / total };
    });
  }

  /** Runs the query on the group that owns this customer or product. */
  ofKey<Row, Extra>(key: string, query: Query<Row, Extra>, values: readonly unknown[], options: ReadOptions) {
    return this.#ofBucket((buckets) => bucketOf(key, buckets), query, values, options);
  }

  /**
   * Runs the query on the group of this order or command id. An id that was made elsewhere is looked up too, and not
   * found.
   */
  ofId<Row, Extra>(id: string, query: Query<Row, Extra>, values: readonly unknown[], options: ReadOptions) {
    return this.#ofBucket((buckets) => (isUuid(id) ? bucketOfId(id, buckets) : 0), query, values, options);
  }

  /** The group that owned the key's bucket when last seen; undefined if unknown. */
  groupOf(key: string): string | undefined {
    return this.#seen.groupOf(key);
  }

  /** The group that owns the bucket of this command or object id, as last seen; undefined if unknown. */
  groupOfId(id: string): string | undefined {
    const buckets = this.#buckets();
    return buckets === undefined ? undefined : this.#ownerOf(isUuid(id) ? bucketOfId(id, buckets) : 0)?.group;
  }

  /** See `GroupsSeen`. */
  groupNowMs(key: string): number | undefined {
    return this.#seen.groupNowMs(key);
  }

  /** See `GroupsSeen`. */
  movingGroupNowMs(key: string): number | undefined {
    return this.#seen.movingGroupNowMs(key);
  }

  /** See `GroupsSeen`. */
  standstill(key: string): string | undefined {
    return this.#seen.standstill(key);
  }

  /** What this process sees of each group. */
  get seenGroups(): readonly SeenGroup[] {
    return this.#groups.map(({ nodes }) => nodes);
  }

  /** Certain knowledge about a command, if there is any. */
  commandStatus(asked: AskedCommand): Promise<CommandStatus> {
    return readCommandStatus(this, asked);
  }

  async ofGroup<Row, Extra>(
    group: string,
    query: Query<Row, Extra>,
    values: readonly unknown[],
    options: ReadOptions,
  ): Promise<GroupAnswer<Row, Extra> | ReadFailure> {
    const found = this.#groups.find((each) => each.group === group);
    if (found === undefined) return { type: 'no-node', fault: `there is no group ${group}` };
    return found.read(query, values, options);
  }

  /** Like `ofGroup`, but on the group's primary only. Use it rarely: the primary has to write. */
  async ofPrimary<Row, Extra>(
    group: string,
    query: Query<Row, Extra>,
    values: readonly unknown[],
  ): Promise<GroupAnswer<Row, Extra> | ReadFailure> {
    const found = this.#groups.find((each) => each.group === group);
    if (found === undefined) return { type: 'no-node', fault: `there is no group ${group}` };
    return found.readOnPrimary(query, values);
  }

  /** The group's nodes that can be reached now, with their roles as last probed, without a deposed primary. */
  nodesOf(group: string): { node: Address; role: 'primary' | 'replica' }[] {
    const nodes = this.#groups.find((each) => each.group === group)?.nodes.readable() ?? [];
    return nodes.map(({ address, role }) => ({ node: address, role }));
  }

  /** The group's current time, ms since 1970; undefined: nothing is seen of it. */
  clockMs(group: string): number | undefined {
    return this.#groups.find((each) => each.group === group)?.nodes.groupNowMs;
  }

  /** One part of each group, in the order of `groupIds`. */
  ofEveryGroup<Row, Extra>(query: Query<Row, Extra>, values: readonly unknown[], options: ReadOptions) {
    return Promise.all(this.#groups.map((group) => group.read(query, values, options)));
  }

  async #ofBucket<Row, Extra>(
    bucketIn: (buckets: number) => number,
    query: Query<Row, Extra>,
    values: readonly unknown[],
    options: ReadOptions,
  ): Promise<GroupAnswer<Row, Extra> | ReadFailure> {
    const buckets = this.#buckets();
    if (buckets === undefined) return { type: 'no-node', fault: 'no node of any group has been seen yet' };
    const bucket = bucketIn(buckets);
    const owner = this.#ownerOf(bucket);
    if (owner === undefined) return { type: 'no-node', fault: `no group is known to own bucket ${bucket}` };
    return owner.read(query, values, options);
  }

  #ownerOf(bucket: number): GroupReader | undefined {
    return this.#groups.find(({ nodes }) => nodes.ownedBuckets.includes(bucket));
  }

  #buckets(): number | undefined {
    for (const { nodes } of this.#groups) {
      if (nodes.buckets !== undefined) return nodes.buckets;
    }
    return undefined;
  }

  #statuses(): NodeStatus[] {
    return this.#groups.flatMap(({ nodes }) => nodes.nodes.map((node) => node.status()));
  }
}

/** Picks the settings of reads from a process's settings. */
function readSettingsIn(given: ReadSettings): ReadSettings {
  return Object.fromEntries(
    Object.keys(READ_DEFAULTS).map((name) => [name, given[name as keyof ReadSettings]]),
  ) as unknown as ReadSettings;
}
