import { hostPort, sleep, type Address, type ChangingLogin, type Log } from '@eco/base';
import { NodeRoles, type PrimaryAnswer, type SideConnection } from '@eco/postgres';
import { readHolder, startTerm, terminateHolder, tryToLead, type LeaderTerm } from './leader-term.js';
import { WriterSession } from './session.js';
import type { OtherFailure } from './batch-failure.js';
import { StallDetector } from './stall-detector.js';
import { withdrawTries } from './suspect-rows.js';
import { watchSession } from './watch.js';

/*
 * Decides which of a group's writers is active. Each writer finds the primary, opens a session there and polls for the
 * lock. The one that gets the lock leads until something ends the session; then it starts over. No setting assigns the
 * roles.
 *
 *   looking ──primary found──▶ standby ──lock──▶ active
 *      ▲                          │                 │
 *      └──────── session lost, fenced, given up ◀───┘
 */

/** Time limit of the nodes' answers, ms. A node that was promoted meanwhile is seen by the next question. */
const ANSWER_MS = 1000;
const POLL_MS = 250;
/**
 * Pause after a leadership that this writer gave up. It is longer than a poll, so that another writer can take the
 * lock.
 */
const LOOK_AGAIN_MS = 500;
/** Interval at which a standby checks the holder. */
const HOLDER_MS = 1000;
/**
 * A holder that has not changed for this long and waits for no replica has stalled, and the server's own timeouts have
 * failed to end it.
 */
const STALLED_MS_MAX = 13_000;
/** A standby whose last poll is older than this can't take over. */
const POLLED_MS_MAX = 3000;
/** A takeover ends within this time, ms. A leader gives a sign every second. */
const LEADERLESS_MS_MAX = 15_000;
/** Time for the current batch to finish while the process stops; after that its messages are redelivered. */
const FINISH_MS = 3500;

/** The reason why a leadership ended. */
export type LeadershipEnd = { type: 'stopped' } | { type: 'unsubscribed'; obstacle: string } | OtherFailure;

/** The writer's loop, which a leader runs over its session. */
export interface LeaderLoop {
  /** Runs until `stop` aborts or the leadership ends. */
  lead(session: WriterSession, leaderTerm: LeaderTerm, stop: AbortSignal): Promise<LeadershipEnd>;
  /** Time for which the current work has waited for the database, ms. 0: nothing waits. */
  readonly waitedMs: number;
  /**
   * The highest number of tries of any command that is tried alone; 0 if there is no such command. Above 3 an operator
   * must decide.
   */
  readonly suspectTries: number;
  /** The reason why this leader can't write now. Undefined: it can, or it does not lead. */
  readonly obstacle: string | undefined;
  /**
   * Name of this process if it began to try suspects and has not settled them. It is alive, so it withdraws the try:
   * see `withdrawTries`.
   */
  readonly openTryOf: string | undefined;
  tryWithdrawn(): void;
}

export interface LeadershipOptions {
  writer: LeaderLoop;
  nodes: readonly Address[];
  login: ChangingLogin;
  log: Log;
}

export class Leadership {
  readonly #nodes: NodeRoles;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #session: WriterSession | undefined;
  #leaderTerm: LeaderTerm | undefined;
  #polledAt: number | undefined;
  /** The latest timeline of a primary that this writer has seen. At first all nodes are asked. */
  #timeline = Infinity;
  readonly #leaderSigns = new StallDetector();
  /** Time for which this standby has seen no sign of a leader, ms. 0: it sees signs, or is no standby. */
  #leaderlessMs = 0;
  /** Text of the event for which the writer waits. Health shows it. */
  #waitsFor = 'an answer of the nodes';
  readonly #options: LeadershipOptions;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#nodes = new NodeRoles(options.nodes, options.login, 'eco writer watch');
  }

  get role(): 'active' | 'standby' {
    return this.#leaderTerm === undefined ? 'standby' : 'active';
  }

  /** See `LeaderLoop`. */
  get waitedMs(): number {
    return this.#options.writer.waitedMs;
  }

  /** See `LeaderLoop`. */
  get suspectTries(): number {
    return this.#options.writer.suspectTries;
  }

  /** Undefined while this writer is not the leader. */
  get leaderTerm(): LeaderTerm | undefined {
    return this.#leaderTerm;
  }

  /** The reason why this writer neither writes nor could take over at once. */
  get obstacle(): string | undefined {
    if (this.#leaderTerm !== undefined) return this.#options.writer.obstacle;
    const polled = this.#polledAt !== undefined && performance.now() - this.#polledAt < POLLED_MS_MAX;
    if (!polled) return `it does not stand by: it waits for ${this.#waitsFor}`;
    if (this.#leaderlessMs < LEADERLESS_MS_MAX) return undefined;
    return `nobody leads: no leader has given a sign for ${Math.round(this.#leaderlessMs / 1000)} s, and another session holds the lock`;
  }

  /** Connection for small queries to the primary; undefined while this writer is not the leader. */
  get primary() {
    return this.#leaderTerm && this.knownPrimary;
  }

  /** Connection for small queries to the primary, for leader and standby; undefined without a session there. */
  get knownPrimary() {
    return this.#session && this.#nodes.connection(this.#session.node);
  }

  /** Connections for small queries to all nodes of the group. */
  get connections(): readonly SideConnection[] {
    return this.#nodes.connections;
  }

  /** Returns at once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes the current batch and releases the lock. Settles within 4 s. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const late = setTimeout(
      () => this.#session?.destroy(new Error('the process stops, and the batch did not finish')),
      FINISH_MS,
    );
    await this.#running;
    clearTimeout(late);
    this.#nodes.close();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    while (!this.#stop.signal.aborted) {
      const primary = await this.#nodes.primary(this.#timeline, ANSWER_MS);
      if (primary === undefined) {
        this.#waitsFor = 'a node that says it is primary';
      } else {
        this.#timeline = primary.timeline;
        try {
          await this.#standBy(primary);
        } catch (error) {
          this.#waitsFor = `a session on ${hostPort(primary.node)}: ${(error as Error).message}`;
          log.warn({ node: hostPort(primary.node), err: error }, 'session on the primary lost');
        }
      }
      await sleep(LOOK_AGAIN_MS, this.#stop.signal);
    }
  }

  /** Polls for the lock and leads once, over one session. Throws when the session ends. */
  async #standBy(primary: PrimaryAnswer): Promise<void> {
    const session = await WriterSession.open(primary.node, this.#options.login);
    const unwatch = watchSession(session, this.#nodes, primary.timeline);
    this.#session = session;
    this.#waitsFor = 'the answer to its poll';
    try {
      await this.#withdrawOpenTry((text, values) => session.run({ name: 'withdraw tries', text }, values));
      if (await this.#lockWon(session)) await this.#lead(session);
    } finally {
      unwatch();
      this.#session = undefined;
      this.#polledAt = undefined;
      this.#leaderlessMs = 0;
      await session.close();
    }
  }

  /** True: this session holds the lock. False: the process stops. */
  async #lockWon(session: WriterSession): Promise<boolean> {
    const detector = new StallDetector();
    let lookedAt = performance.now();
    while (!this.#stop.signal.aborted) {
      if (await tryToLead(session)) return true;
      this.#polledAt = performance.now();
      if (this.#polledAt - lookedAt >= HOLDER_MS) {
        lookedAt = this.#polledAt;
        await this.#endStalledHolder(session, detector);
      }
      await sleep(POLL_MS, this.#stop.signal);
    }
    return false;
  }

  async #endStalledHolder(session: WriterSession, detector: StallDetector): Promise<void> {
    const { sign, pid, waitsForReplica } = await readHolder(session);
    const nowMs = performance.now();
    this.#leaderlessMs = this.#leaderSigns.observe(sign, nowMs);
    const stalledMs = detector.observe(sign, nowMs);
    if (pid === null || waitsForReplica || stalledMs < STALLED_MS_MAX) return;
    const ended = await terminateHolder(session, pid);
    this.#options.log.warn({ pid, stalledMs, ended }, 'the lock holder has stalled');
  }

  /** Withdraws the try of a suspect command: this process still runs, so the command did not end it. */
  async #withdrawOpenTry(run: Parameters<typeof withdrawTries>[0]): Promise<void> {
    const { writer } = this.#options;
    if (writer.openTryOf === undefined) return;
    await withdrawTries(run, writer.openTryOf);
    writer.tryWithdrawn();
  }

  async #lead(session: WriterSession): Promise<void> {
    const { log, writer } = this.#options;
    this.#waitsFor = 'its term to be stored, and on a replica';
    const leaderTerm = await startTerm(session);
    const over = new AbortController();
    const end = () => over.abort();
    this.#stop.signal.addEventListener('abort', end);
    void session.ended.then(end);
    if (this.#stop.signal.aborted) end();
    const { group, term, tag, seq } = leaderTerm;
    log.info({ group, term, tag, seq, node: hostPort(session.node) }, 'leadership begins');
    this.#leaderTerm = leaderTerm;
    try {
      const ended = await writer.lead(session, leaderTerm, over.signal);
      const lost = session.lostBecause;
      if (ended.type === 'stopped' && lost === undefined) log.info({ term, tag }, 'leadership ends');
      else if (ended.type === 'unsubscribed') log.warn({ term, tag, obstacle: ended.obstacle }, 'leadership ends');
      else
        log.warn(
          { term, tag, why: ended.type, err: lost ?? ('error' in ended ? ended.error : undefined) },
          'leadership ends',
        );
    } finally {
      this.#leaderTerm = undefined;
      this.#stop.signal.removeEventListener('abort', end);
      // The try is withdrawn at once, because the process may be about to stop. If the database is away, the next
      // session withdraws it.
      const side = this.#nodes.connection(session.node);
      if (side !== undefined) {
        await this.#withdrawOpenTry((text, values) => side.ask(text, values)).catch(() => undefined);
      }
    }
  }
}
