import type { NodeReplication } from '@eco/database';
import { within, type Address, type ChangingLogin } from '@eco/base';
import { ReadError, ReadSession, SideConnection, SLOW_READ_PLAN_SETTINGS, type Statement } from '@eco/postgres';
import { compareBatchPositions, type GroupTerm, type BatchPosition } from '@eco/routing';
import type { ReadableNode } from '../choose.js';
import type { Pace } from '../query.js';
import type { GroupClock, Observation } from './group-clock.js';
import { probe, type Probe } from './probe.js';
import { isNodeFailure, readFailureKind } from './read-failure-kind.js';
import { SlowLane } from './slow-lane.js';

export interface NamedNode extends Address {
  readonly group: string;
  /** Name of this node, such as `g1-2`. */
  readonly name: string;
}

export interface NodeSettings {
  readonly login: ChangingLogin;
  readonly applicationName: string;
  readonly connections: number;
  /** Time without an answer after which the node counts as unreachable, ms. A later answer makes it reachable again. */
  readonly probeTimeoutMs: number;
  /** Time without an answer after which the connection counts as lost, ms. */
  readonly probePatienceMs: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Longest wait of any reader for a node, and of a slow read for its turn, ms. */
  readonly deadlineMs: number;
  readonly slowStatementTimeoutMs: number;
  /** Slow reads that may wait for a running one. */
  readonly slowReadsWaitingMax: number;
}

/** A deposed primary still reports that it is primary. Its data may never have been valid, so it is not read. */
export type NodeRole = 'primary' | 'replica' | 'deposed';

export interface NodeStatus extends NamedNode {
  readonly reachable: boolean;
  /** Role as last seen. Undefined: not seen yet. */
  readonly role: NodeRole | undefined;
  readonly position: BatchPosition | undefined;
  /** Lag of the node, ms. Undefined: not known. */
  readonly lagMs: number | undefined;
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly slowReads: number;
  readonly isResting: boolean;
  /** Replication state of the node. Undefined: it is not queried, or not known yet. */
  readonly replication: NodeReplication | undefined;
  /** The reason why the node can't be read. Undefined: it can be read. */
  readonly fault: string | undefined;
}

const LATENCY_MS_AT_FIRST = 1;
// The latency is an average over about the last ten reads. They are enough to smooth one outlier, and few enough to
// follow a node that slows down.
const LATENCY_WEIGHT = 0.1;
/** Time after a failure that no client can cause, ms. Until then the node is used only if there is nothing better. */
const REST_MS = 5_000;
/** Added to the server's limit of a slow statement, ms. An answer that is later means that the server is stalled. */
const SLOW_QUERY_MARGIN_MS = 1_000;

/**
 * One node as its readers see it: the results of its last probe and answers, and a few connections that all reads
 * share. It is reachable from an answered probe to the first failure of its own, in a probe or a read.
 */
export class Node implements ReadableNode {
  readonly name: string;
  /** Role of the node in its group. It follows from the reports of all nodes. */
  assigned: NodeRole | undefined;
  inFlight = 0;
  latencyMs = LATENCY_MS_AT_FIRST;
  position: BatchPosition = { term: 0, tag: '', seq: 0 };
  terms: readonly GroupTerm[] = [];
  replication: NodeReplication | undefined;

  #atMs = 0;
  /** The lag at the last look; undefined if it was unknown then. */
  #lagMs: number | undefined;
  #lastProbe: Probe | undefined;
  #fault: string | undefined = 'not seen yet';
  readonly #side: SideConnection;
  /** A late probe continues after its callers have stopped waiting. */
  #asking: Promise<void> | undefined;
  #probing: Promise<void> | undefined;
  #sessions: ReadSession[] = [];
  readonly #opening = new Set<Promise<void>>();
  readonly #slowLane: SlowLane;
  #restsUntilMs = -Infinity;
  #stopped = false;
  readonly #settings: NodeSettings;
  readonly #clock: GroupClock;
  /** Called after each probe, answered or not. */
  readonly #onProbe: (node: Node) => void;

  constructor(
    readonly address: NamedNode,
    settings: NodeSettings,
    clock: GroupClock,
    onProbe: (node: Node) => void,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#onProbe = onProbe;
    this.name = address.name;
    this.#side = new SideConnection(address, settings.login, `${settings.applicationName} probe`);
    const { slowReadsWaitingMax: waitingMax, deadlineMs: waitMs } = settings;
    this.#slowLane = new SlowLane({ waitingMax, waitMs }, () => this.#openForSlowReads());
  }

  get role(): 'primary' | 'replica' {
    return this.assigned === 'primary' ? 'primary' : 'replica';
  }
  get follows(): boolean {
    return this.replication?.follows !== false;
  }
  get lagMs(): number | undefined {
    const { position } = this;
    // The lag may become known after the last look, when the primary is reached for the first time.
    return this.#lagMs ?? this.#clock.lagMs({ position, atMs: this.#atMs }, performance.now());
  }
  get isResting(): boolean {
    return performance.now() < this.#restsUntilMs;
  }
  get slowReads(): number {
    return this.#slowLane.length;
  }
  get reachable(): boolean {
    return this.#fault === undefined;
  }
  get fault(): string | undefined {
    return this.#fault;
  }
  /** The last answered probe. */
  get lastProbe(): Probe | undefined {
    return this.#lastProbe;
  }

  status(): NodeStatus {
    const seen = this.#lastProbe !== undefined;
    const { position, latencyMs, inFlight, slowReads, isResting, reachable, replication, fault } = this;
    const shown = { position, atMs: this.#atMs, timeline: reachable ? this.#timelineAsPrimary : undefined };
    return {
      ...this.address,
      reachable,
      role: this.assigned,
      position: seen ? position : undefined,
      lagMs: seen ? this.#clock.lagMs(shown, performance.now()) : undefined,
      latencyMs,
      inFlight,
      slowReads,
      isResting,
      replication,
      fault,
    };
  }

  /** Probes the node. Never throws; concurrent callers share one probe. */
  probe(): Promise<void> {
    this.#probing ??= this.#answeredOrLate().finally(() => {
      this.#probing = undefined;
      this.#onProbe(this);
    });
    return this.#probing;
  }

  /** Throws a `ReadError`, or a `SlowLaneFullError`. */
  async read<Row>(statement: Statement, values: readonly unknown[], pace?: Pace): Promise<Row[]> {
    try {
      if (pace === 'slow') return await this.#slowLane.query<Row>(statement, values);
      return await this.#readSoon<Row>(statement, values);
    } catch (error) {
      if (error instanceof ReadError && isNodeFailure(readFailureKind(error.sqlState))) {
        this.#restsUntilMs = performance.now() + REST_MS;
      }
      throw error;
    }
  }

  async #readSoon<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const startedMs = performance.now();
    let session: ReadSession | undefined;
    this.inFlight += 1;
    try {
      session = this.#idlest();
      if (session === undefined) throw new ReadError('no connection', undefined, undefined);
      const rows = await session.query<Row>(statement, values);
      this.#took(performance.now() - startedMs);
      return rows;
    } catch (error) {
      const kind = error instanceof ReadError ? readFailureKind(error.sqlState) : undefined;
      if (kind === 'connection') {
        // One broken connection fails many reads. Only the first of them reports it, because the next sessions are not
        // to blame.
        const isNews = session === undefined ? this.reachable : this.#sessions.includes(session);
        if (isNews) {
          this.#lose(error);
          void this.probe();
        }
      } else if (kind !== 'request') {
        // A node that fails fast would attract all reads. So a failure counts as the longest allowed duration.
        this.#took(Math.max(performance.now() - startedMs, this.#settings.statementTimeoutMs));
      }
      throw error;
    } finally {
      this.inFlight -= 1;
    }
  }

  /**
   * Notes what the answer to a read that was sent at `askedMs` showed, and returns its lag, ms. A new leadership or
   * role starts a probe.
   */
  note(shown: Observation & { readonly inRecovery: boolean }, askedMs: number): number | undefined {
    const nowMs = performance.now();
    const seen = { ...shown, timeline: shown.inRecovery ? undefined : this.#timelineAsPrimary };
    this.#clock.note(seen, askedMs, nowMs);
    const lagMs = this.#clock.lagMs(seen, nowMs);
    if (!this.knows(shown.position) || shown.inRecovery !== this.#lastProbe?.inRecovery) void this.probe();
    else if (compareBatchPositions(shown.position, this.position) >= 0) {
      this.position = shown.position;
      this.#atMs = shown.atMs;
      this.#lagMs = lagMs;
    }
    return lagMs;
  }

  /** Whether `terms` reaches this leadership. */
  knows({ term, tag }: BatchPosition): boolean {
    if (term === this.position.term && tag === this.position.tag) return true;
    return this.terms.some((known) => known.term === term && known.tag === tag);
  }

  stop(): void {
    this.#stopped = true;
    this.#lose(new Error('not read any more'));
    this.#side.close();
  }

  async #answeredOrLate(): Promise<void> {
    const { probeTimeoutMs } = this.#settings;
    this.#asking ??= this.#askWhatItIs().finally(() => {
      this.#asking = undefined;
      this.#onProbe(this);
    });
    await within(probeTimeoutMs, this.#asking, () => this.#lose(new Error(`no answer within ${probeTimeoutMs} ms`)));
  }

  async #askWhatItIs(): Promise<void> {
    if (this.#stopped) return;
    try {
      const startedMs = performance.now();
      const seen = await probe(this.#side, this.address.group, this.terms, this.#settings.probePatienceMs);
      const nowMs = performance.now();
      // Probes count as reads here: a slow node gets no reads that could show its recovery. A node that becomes
      // reachable starts over, because its durations while stalled say nothing about now.
      if (this.reachable) this.#took(nowMs - startedMs);
      else this.latencyMs = LATENCY_MS_AT_FIRST;
      this.#clock.note(seen, startedMs, nowMs);
      this.#lastProbe = seen;
      this.terms = seen.terms;
      this.position = seen.position;
      this.#atMs = seen.atMs;
      this.#lagMs = this.#clock.lagMs(seen, nowMs);
      // Reads never wait for a connection. A node is reachable once it has one; the other connections follow.
      await this.#fill();
      if (this.#idlest() === undefined) throw new Error('no connection for reads');
      if (!this.#stopped) this.#fault = undefined;
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Timeline of the node. Undefined: it is not its group's primary. */
  get #timelineAsPrimary(): number | undefined {
    return this.assigned === 'primary' ? this.#lastProbe?.timeline : undefined;
  }

  #lose(error: unknown): void {
    this.#fault = error instanceof Error ? error.message : String(error);
    this.#slowLane.drop(new ReadError(this.#fault, undefined, error));
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) session.close();
  }

  #took(ms: number): void {
    this.latencyMs += (ms - this.latencyMs) * LATENCY_WEIGHT;
  }

  #idlest(): ReadSession | undefined {
    let idlest: ReadSession | undefined;
    for (const session of this.#sessions) {
      if (!session.isClosed && (idlest === undefined || session.inFlight < idlest.inFlight)) idlest = session;
    }
    return idlest;
  }

  /** Opens missing connections. Settles when one is usable or none can be opened; never throws. */
  async #fill(): Promise<void> {
    this.#sessions = this.#sessions.filter((session) => !session.isClosed);
    const missing = this.#settings.connections - this.#sessions.length - this.#opening.size;
    for (let n = 0; n < missing; n += 1) {
      const opened = this.#open().finally(() => this.#opening.delete(opened));
      opened.catch(() => undefined);
      this.#opening.add(opened);
    }
    if (this.#idlest() === undefined) await Promise.any(this.#opening).catch(() => undefined);
  }

  async #open(): Promise<void> {
    const session = await ReadSession.open({ ...this.address, ...this.#settings.login, ...this.#settings });
    if (this.#stopped) session.close();
    else this.#sessions.push(session);
  }

  async #openForSlowReads(): Promise<ReadSession> {
    const { login, applicationName, connectTimeoutMs, slowStatementTimeoutMs } = this.#settings;
    if (!this.reachable) throw new ReadError(`not reachable: ${this.#fault}`, undefined, undefined);
    return ReadSession.open({
      ...this.address,
      ...login,
      applicationName: `${applicationName} slow`,
      connectTimeoutMs,
      statementTimeoutMs: slowStatementTimeoutMs,
      queryTimeoutMs: slowStatementTimeoutMs + SLOW_QUERY_MARGIN_MS,
      planSettings: SLOW_READ_PLAN_SETTINGS,
    });
  }
}
