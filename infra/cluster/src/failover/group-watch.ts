import { sleep, type Password } from '@eco/base';
import { asSuperuser } from '../failover.js';
import type { DatabaseNode } from '../layout.js';
import { lineOf } from '../processes/native-process.js';
import { Refused } from '../refused.js';
import type { Say } from '../steps.js';
import { until } from '../until.js';
import { DatabaseNodes, type ManagedNode, type WatchedGroup } from './database-nodes.js';
import { CountingReplicas } from './counting-rule.js';
import { isLost } from './decide.js';
import { failOver, LossNotAccepted, PromotionUnknown, type FailedOver } from './fail-over.js';
import type { NodeSign } from './group-probe.js';
import type { ServerOperation } from './operation.js';
import { riskOf } from './risk.js';
import { Tries } from './tries.js';

/** Time between two probes, and the time limit of each, ms. */
const PROBE_MS = 500;
/** Time without streaming after which a running replica is pointed to its primary again, ms. */
const POINT_AGAIN_MS = 5_000;
/** Time without streaming after which a running replica is rewound, ms. It may have another history. */
const REWIND_MS = 30_000;

export interface WatchOptions {
  /** The superuser's. */
  readonly password: Password;
  /** Time without a replica after which only the others count, ms. */
  readonly replicaAwayMs: number;
  readonly say: Say;
}

/**
 * Watches a database group whose servers this process owns: replaces a lost primary, and brings every other node back
 * as a replica. One thing is done at a time, except that nodes return at the same time. A node that was stopped on
 * request is left alone.
 */
export class GroupWatch {
  readonly #group: WatchedGroup;
  readonly #nodes: DatabaseNodes;
  readonly #password: Password;
  readonly #say: Say;
  readonly #end = new AbortController();
  readonly #returning = new Map<string, Promise<void>>();
  readonly #tries = new Tries();
  readonly #silentSince = new Map<string, number>();
  /** Replicas that have the history of the present primary. */
  #attached = new Set<string>();
  /** Replicas that may have streamed from the present primary. */
  #joined: Set<string>;
  /** Nodes that return, although their stop was requested. */
  readonly #wanted = new Set<string>();
  readonly #counting: CountingReplicas;
  #timeline = 0;
  #silentProbes = 0;
  #work: Promise<unknown> = Promise.resolve();
  #lastSaid = '';

  constructor(group: WatchedGroup, { password, replicaAwayMs, say }: WatchOptions) {
    this.#group = group;
    this.#password = password;
    this.#say = say;
    this.#nodes = new DatabaseNodes(group.nodes, password);
    this.#joined = new Set(this.#names);
    this.#counting = new CountingReplicas({ names: this.#names, limitMs: replicaAwayMs, password, say });
  }

  begin(): void {
    const { signal } = this.#end;
    void (async () => {
      while (!signal.aborted) {
        const next = performance.now() + PROBE_MS;
        await this.#alone(() => this.#look()).catch((error: Error) =>
          this.#sayOnce(`${this.#group.id} is watched on, after: ${error.message}`),
        );
        const gone = this.#primary.isRunning() ? this.#primary.ended() : new Promise(() => undefined);
        await Promise.race([sleep(next - performance.now(), signal), gone]);
      }
    })();
  }

  hasNode(name: string): boolean {
    return this.#names.includes(name);
  }

  /** Carries out an operator's request, and returns a sentence about the result. Throws a `Refused`. */
  operate(operation: ServerOperation): Promise<string> {
    switch (operation.type) {
      case 'switchover':
        return this.#alone(() => this.#switchOver(operation.to));
      case 'failover':
        return this.#alone(() => this.#failOverOnRequest(operation.acceptLoss));
      case 'reinit':
        return this.#copyAgain(operation.node);
    }
  }

  /**
   * The primary stops in order, so all replicas have everything, and one of them is promoted. A client sees its session
   * end; what it does not know to be committed it repeats.
   */
  async #switchOver(to: string | undefined): Promise<string> {
    const { id } = this.#group;
    const lost = this.#group.primary();
    if (to !== undefined) this.#node(to);
    if (to === lost) throw new Refused(`${lost} is the primary of ${id} already`);
    const sign = (await this.#ask(PROBE_MS * 4)).get(lost);
    if (sign?.type !== 'primary') throw new Refused(`the primary ${lost} does not answer: see eco failover`);
    const away = this.#names.filter((name) => name !== lost && !this.#takePart(sign).includes(name));
    if (away.length === this.#names.length - 1) throw new Refused(`no replica of ${id} streams`);
    if (to !== undefined && away.includes(to)) throw new Refused(`${to} does not stream from ${lost}: see npm run lag`);
    if (away.some((name) => this.#joined.has(name)) && !this.#counting.areShrunk) {
      throw new Refused(
        `${away.join(', ')} does not stream from ${lost}: see npm run lag, and try again after a minute`,
      );
    }
    // The checkpoint of the stop is then short.
    await this.#checkpoint(this.#primary.node);
    const old = this.#primary;
    const startedAt = performance.now();
    await old.stop();
    try {
      await this.#failOver(lost, { preferred: to });
    } catch (error) {
      await this.#fallBack(lost, error instanceof PromotionUnknown ? error.node : undefined);
      throw error instanceof LossNotAccepted ? error : new Refused((error as Error).message, { cause: error });
    }
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    this.#wanted.add(lost);
    const now = this.#group.primary();
    const instead = to === undefined || now === to ? '' : `, because ${to} had replayed less`;
    return `${now} is the primary of ${id} after ${seconds} s${instead}; ${lost} returns as a replica`;
  }

  async #failOverOnRequest(acceptLoss: boolean): Promise<string> {
    const lost = this.#group.primary();
    const signs = await this.#ask(PROBE_MS * 4);
    const own = signs.get(lost);
    if (own?.type === 'primary') {
      const others = this.#takePart(own).join(' or ') || 'no replica';
      throw new Refused(`the primary ${lost} answers, and ${others} can replace it: use eco switchover`);
    }
    const missing = [...this.#joined].filter((name) => name !== lost && signs.get(name)?.type !== 'replica');
    const there = [...this.#attached].filter((name) => signs.get(name)?.type === 'replica');
    if (there.length === 0) throw new Refused(`no replica of ${this.#group.id} answers that has followed ${lost}`);
    const risk = await riskOf(this.#nodes, missing, there);
    if (!acceptLoss) {
      throw new Refused(
        missing.length === 0 ? `${risk}: add --accept-loss to do it now` : `${risk}; to accept that: --accept-loss`,
      );
    }
    this.#say(`an operator asked for a failover: ${risk}`);
    const { primary } = await this.#failOver(lost, { acceptLoss });
    this.#wanted.add(lost);
    return `${primary} is the primary of ${this.#group.id} now; ${risk}`;
  }

  async #copyAgain(name: string): Promise<string> {
    const replica = this.#node(name);
    await this.#returning.get(name);
    if (replica === this.#primary)
      throw new Refused(`${name} is the primary of ${this.#group.id}: eco switchover first`);
    const work = (async () => {
      await this.#nodes.end(name);
      await replica.discard();
      await this.#return(replica, false);
    })();
    this.#returning.set(
      name,
      work.catch(() => undefined).finally(() => this.#returning.delete(name)),
    );
    await work;
    return `${name} was copied from ${this.#group.primary()} and follows it`;
  }

  /** Ends the watch. Resolves when nothing is under way any more. */
  async end(): Promise<void> {
    this.#end.abort();
    await this.#work.catch(() => undefined);
    await Promise.allSettled(this.#returning.values());
    this.#nodes.close();
  }

  /** Runs one action after the other. */
  #alone<T>(action: () => Promise<T>): Promise<T> {
    const work = this.#work.catch(() => undefined).then(action);
    this.#work = work;
    return work;
  }

  async #look(): Promise<void> {
    if (this.#end.signal.aborted) return;
    const signs = await this.#ask(PROBE_MS);
    const own = signs.get(this.#group.primary());
    if (own?.type === 'primary') {
      this.#silentProbes = 0;
      this.#tries.succeeded(GROUP);
      this.#careForReplicas(signs);
      await this.#counting.care(this.#nodes.at(this.#group.primary()), this.#timeline, own.streamsTo);
      return;
    }
    if (own?.type === 'refuses') {
      // It runs, so it is not lost.
      this.#silentProbes = 0;
      return this.#sayOnce(`the primary ${this.#group.primary()} can't be watched: ${own.error.message}`);
    }
    if (this.#primary.isStopped()) return;
    this.#silentProbes += 1;
    const streamsTo = [...signs.values()].filter(
      (sign) => sign.type === 'replica' && sign.follows !== undefined,
    ).length;
    const hasEnded = !this.#primary.isRunning();
    if (!isLost({ hasEnded, silentProbes: this.#silentProbes, streamsTo }) || !this.#tries.isDue(GROUP)) return;
    await this.#replaceLost(hasEnded ? 'has ended' : 'does not answer');
  }

  /** Replicas that stream from the primary, and are known to have its history. */
  #takePart({ streamsTo }: Extract<NodeSign, { type: 'primary' }>): string[] {
    return streamsTo.filter((name) => this.#attached.has(name));
  }

  /** Asks all nodes for at most `limitMs`, and notes which one is the primary and which ones stream from it. */
  async #ask(limitMs: number): Promise<ReadonlyMap<string, NodeSign>> {
    const signs = await this.#nodes.probe(limitMs);
    this.#adopt(signs);
    const own = signs.get(this.#group.primary());
    if (own?.type === 'primary') this.#noteStreams(signs, own.streamsTo);
    return signs;
  }

  /** R7: of two nodes that say they are primary, the one with the higher timeline is. */
  #adopt(signs: ReadonlyMap<string, NodeSign>): void {
    for (const [name, sign] of signs) {
      if (sign.type !== 'primary' || sign.timeline <= this.#timeline) continue;
      this.#timeline = sign.timeline;
      if (name === this.#group.primary()) continue;
      this.#say(`${name} is the primary of ${this.#group.id} (timeline ${sign.timeline})`);
      this.#become(name, this.#names);
      // An interrupted failover has left the others without a source. They are pointed to this primary at once.
      for (const each of this.#names) this.#silentSince.set(each, performance.now() - POINT_AGAIN_MS);
    }
  }

  #become(primary: string, joined: readonly string[]): void {
    this.#group.setPrimary(primary);
    this.#attached = new Set();
    this.#joined = new Set(joined);
    this.#counting.forget();
    this.#silentProbes = 0;
    this.#silentSince.clear();
  }

  #noteStreams(signs: ReadonlyMap<string, NodeSign>, streamsTo: readonly string[]): void {
    for (const [name, sign] of signs) {
      if (sign.type !== 'replica' || sign.follows !== this.#timeline || !streamsTo.includes(name)) continue;
      this.#attached.add(name);
      this.#joined.add(name);
      this.#tries.succeeded(name);
      this.#silentSince.delete(name);
    }
  }

  async #replaceLost(why: string): Promise<void> {
    const lost = this.#group.primary();
    this.#say(`the primary ${lost} ${why}; promoting a replica`);
    try {
      await this.#failOver(lost, {});
      this.#tries.succeeded(GROUP);
    } catch (error) {
      this.#tries.begin(GROUP);
      this.#sayOnce(`no other node could become the primary: ${(error as Error).message}`);
      await this.#fallBack(lost, error instanceof PromotionUnknown ? error.node : undefined);
    }
  }

  async #failOver(lost: string, how: { preferred?: string | undefined; acceptLoss?: boolean }): Promise<FailedOver> {
    const startedAt = performance.now();
    const result = await failOver(
      this.#nodes,
      { lost, names: this.#names, attached: [...this.#attached], joined: [...this.#joined], ...how },
      this.#say,
    );
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    this.#become(result.primary, result.followers);
    result.followers.forEach((name) => this.#attached.add(name));
    this.#say(`${result.primary} is the primary of ${this.#group.id} now, after ${seconds} s`);
    return result;
  }

  /**
   * Without a failover, the nodes that had everything are started again as they were. A node whose promotion was begun
   * comes first: it may be a primary, with a history that counts as the later one.
   */
  async #fallBack(lost: string, promoted: string | undefined): Promise<void> {
    if (promoted !== undefined && (await this.#saysItsRole(promoted))) return;
    // A look that a busy node did not answer in time must not start a second primary.
    await this.#ask(ANSWER_MS);
    if (this.#group.primary() !== lost) return;
    try {
      await this.#node(lost).start();
    } catch (error) {
      this.#sayOnce(`${lost} does not start again: ${lineOf(error)}`);
      return;
    }
    this.#say(`${lost} runs again and stays the primary`);
    if (promoted !== undefined) {
      this.#attached.delete(promoted);
      await this.#node(promoted).discard();
    }
    const follow = (name: string) =>
      this.#nodes
        .follow(name, lost)
        .catch((error: Error) => this.#say(`${name} does not follow ${lost} yet: ${lineOf(error)}`));
    await Promise.all([...this.#attached].map(follow));
  }

  /**
   * Starts a node whose promotion was begun, and waits until it says what it is: a primary is adopted then. False: it does
   * not start or answer, and was ended.
   */
  async #saysItsRole(name: string): Promise<boolean> {
    const node = this.#node(name);
    const answers = async () => {
      if (!node.isRunning()) await node.start();
      const sign = (await this.#ask(ANSWER_MS)).get(name);
      return sign?.type === 'primary' || sign?.type === 'replica';
    };
    try {
      await until(`${name} did not say whether it is a primary`, answers, {
        deadlineMs: ROLE_MS,
        signal: this.#end.signal,
      });
      return true;
    } catch (error) {
      this.#end.signal.throwIfAborted();
      this.#say(`${name} does not start again: ${lineOf(error)}`);
      await this.#nodes.end(name);
      return false;
    }
  }

  #careForReplicas(signs: ReadonlyMap<string, NodeSign>): void {
    for (const replica of this.#group.nodes) {
      const { name } = replica.node;
      const sign = signs.get(name);
      const isStopped = replica.isStopped() && !this.#wanted.has(name);
      if (replica === this.#primary || isStopped || this.#returning.has(name) || !this.#tries.isDue(name)) continue;
      const action = this.#careFor(replica, sign);
      if (action === undefined) continue;
      this.#tries.begin(name);
      const work = action()
        .catch((error: Error) => this.#say(`${name} did not return: ${lineOf(error)}`))
        .finally(() => this.#returning.delete(name));
      this.#returning.set(name, work);
    }
  }

  /** What has to be done for a replica; undefined: nothing. */
  #careFor(replica: ManagedNode, sign: NodeSign | undefined): (() => Promise<void>) | undefined {
    const { name } = replica.node;
    if (!replica.isRunning()) return () => this.#return(replica, !this.#attached.has(name));
    // An old primary that did not notice its end. It can acknowledge nothing.
    if (sign?.type === 'primary') return () => this.#return(replica, true);
    if (sign?.type !== 'replica' || sign.follows !== undefined) {
      this.#silentSince.delete(name);
      return undefined;
    }
    const since = this.#silentSince.get(name) ?? performance.now();
    this.#silentSince.set(name, since);
    const silentMs = performance.now() - since;
    if (silentMs > REWIND_MS) return () => this.#return(replica, true);
    if (silentMs >= POINT_AGAIN_MS) return () => this.#nodes.follow(name, this.#group.primary());
    return undefined;
  }

  /** Brings a node back as a replica. */
  async #return(replica: ManagedNode, mayDiffer: boolean): Promise<void> {
    const primary = this.#primary.node;
    const attached = this.#attached;
    const { name } = replica.node;
    await this.#nodes.end(name);
    await this.#nodes.reserve(primary.name, [name]);
    // The source of a rewind must have a checkpoint on its timeline (PostgreSQL 15, pg_rewind).
    if (mayDiffer) await this.#checkpoint(primary);
    this.#joined.add(name);
    await replica.startAsReplica(primary, mayDiffer, this.#say);
    // It answers, so it has the history of that primary. Another primary has another set.
    attached.add(name);
    await this.#nodes.dropSlots(name);
    await this.#nodes.follow(name, primary.name);
    this.#wanted.delete(name);
    this.#say(`${name} follows ${primary.name} again`);
  }

  /** In a session of its own, because it may take long. */
  async #checkpoint(node: DatabaseNode): Promise<void> {
    await asSuperuser(node, this.#password, (at) => at.ask('CHECKPOINT', [], CHECKPOINT_MS));
  }

  /** A repeated failure is said once. */
  #sayOnce(line: string): void {
    if (line !== this.#lastSaid) this.#say(line);
    this.#lastSaid = line;
  }

  get #names(): string[] {
    return this.#group.nodes.map(({ node }) => node.name);
  }

  get #primary(): ManagedNode {
    return this.#node(this.#group.primary());
  }

  #node(name: string): ManagedNode {
    const found = this.#group.nodes.find(({ node }) => node.name === name);
    if (!found) throw new Refused(`${this.#group.id} has no node ${name}`);
    return found;
  }
}

/** The group itself among the names of what is tried again. */
const GROUP = '';
const CHECKPOINT_MS = 60_000;
/** Time limit of an answer on which a failover depends. A node that has just started may be busy. */
const ANSWER_MS = 5_000;
/** Time in which a node must say what it is, after its promotion was begun. */
const ROLE_MS = 60_000;
