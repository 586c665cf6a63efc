import { stampMs } from '@eco/contracts';
import type { SideConnection } from '@eco/postgres';
import { readGauges, type Committed, type PrimaryWatch, type SessionGuard } from '@eco/writer';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Writer } from './writer.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A command waits in its queue while nothing decides, so the last ones are minutes and an hour. */
const ACCEPTED_TO_DECIDED_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600];

export class WriterMetrics {
  readonly #commands: Histogram;
  readonly #phases: Record<keyof Committed['ms'], Histogram.Internal<'phase'>>;
  readonly #answers: Counter<'answer'>;
  readonly #decided: Histogram<'kind'>;
  readonly #forbidden: Counter<'sender'>;
  readonly #failures: Counter<'type'>;
  readonly #seq: Gauge;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.#commands = new Histogram({
      name: 'eco_writer_batch_commands',
      help: 'Commands in one batch',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
      registers,
    });
    const seconds = new Histogram({
      name: 'eco_writer_batch_seconds',
      help: 'Time of one batch: to fence and load, to decide, to store and commit',
      labelNames: ['phase'],
      buckets: SECONDS,
      registers,
    });
    this.#phases = {
      load: seconds.labels('load'),
      decide: seconds.labels('decide'),
      store: seconds.labels('store'),
    };
    this.#answers = new Counter({
      name: 'eco_writer_commands_total',
      help: 'Commands by reply',
      labelNames: ['answer'],
      registers,
    });
    this.#decided = new Histogram({
      name: 'eco_writer_accepted_to_decided_seconds',
      help: 'From the acceptance of a command, by the clock of its sender, to the commit of its decision; without repeats',
      labelNames: ['kind'],
      buckets: ACCEPTED_TO_DECIDED_SECONDS,
      registers,
    });
    this.#forbidden = new Counter({
      name: 'eco_writer_forbidden_total',
      help: 'Commands that their sender may not send, including repeats, by broker user; none: the message names no user',
      labelNames: ['sender'],
      registers,
    });
    this.#failures = new Counter({
      name: 'eco_writer_faults_total',
      help: 'Batches that were not stored, by type of failure',
      labelNames: ['type'],
      registers,
    });
    this.#seq = new Gauge({ name: 'eco_writer_seq', help: 'Number of the last batch of this process', registers });
  }

  observeBatch({ taken, state, effects, ms }: Committed): void {
    this.#commands.observe(taken.length);
    for (const phase of ['load', 'decide', 'store'] as const) this.#phases[phase].observe(ms[phase] / 1000);
    const counts = new Map<string, number>();
    for (const reply of effects.replies) {
      const answer = reply.type !== 'outcome' ? reply.type : reply.repeated ? 'repeated' : reply.status;
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    for (const [answer, count] of counts) this.#answers.inc({ answer }, count);
    for (const { sender } of effects.forbidden) this.#forbidden.inc({ sender: sender ?? 'none' });
    this.#seq.set(state.position.seq);
    this.#observeDecided(taken, effects.replies);
  }

  #observeDecided(taken: Committed['taken'], replies: Committed['effects']['replies']): void {
    const nowMs = Date.now();
    taken.forEach(({ arrived }, index) => {
      const reply = replies[index];
      if (!arrived.readable || reply?.type !== 'outcome' || reply.repeated) return;
      const { kind, stamp } = arrived.command;
      // The sender's clock may be ahead.
      this.#decided.observe({ kind }, Math.max(0, nowMs - stampMs(stamp)) / 1000);
    });
  }

  observeFailure(type: string): void {
    this.#failures.inc({ type });
  }

  /** Observes the leadership of a group, and the database of the active writer. A scrape reads them. */
  observeLeadership(
    group: string,
    leadership: {
      leaderTerm: { term: number } | undefined;
      primary: SideConnection | undefined;
      waitedMs: number;
      suspectTries: number;
    },
    writer: Pick<Writer, 'oldestUndecidedMs'>,
  ): void {
    const registers = [this.#registry];
    new Gauge({
      name: 'eco_writer_waits_seconds',
      help: 'How long the current work has waited for the database; a COMMIT waits while no replica streams',
      registers,
      collect() {
        this.set(leadership.waitedMs / 1000);
      },
    });
    new Gauge({
      name: 'eco_writer_suspect_tries',
      help: 'How often a command was tried alone and its session ended; above 3 an operator must decide. Active writer only',
      registers,
      collect() {
        this.set(leadership.suspectTries);
      },
    });
    new Gauge({
      name: 'eco_writer_oldest_undecided_seconds',
      help: 'Age of the oldest order that is not decided; 0: there is none. Active writer only',
      labelNames: ['group'],
      registers,
      collect() {
        this.reset();
        if (leadership.leaderTerm === undefined) return;
        const { oldestUndecidedMs: acceptedMs } = writer;
        this.set({ group }, acceptedMs === undefined ? 0 : Math.max(0, Date.now() - acceptedMs) / 1000);
      },
    });
    new Gauge({
      name: 'eco_writer_leader',
      help: '1: this process is the active writer of its group',
      labelNames: ['group'],
      registers,
      collect() {
        this.set({ group }, leadership.leaderTerm === undefined ? 0 : 1);
      },
    });
    new Gauge({
      name: 'eco_writer_term',
      help: 'Term of its leadership, which begins with the first batch; 0: standby',
      labelNames: ['group'],
      registers,
      collect() {
        this.set({ group }, leadership.leaderTerm?.term ?? 0);
      },
    });
    const oldestXminAge = new Gauge({
      name: 'eco_writer_oldest_xmin_age',
      help: 'Transactions since the oldest snapshot in use; dead rows accumulate behind it. Active writer only',
      registers,
    });
    const archiveAge = new Gauge({
      name: 'eco_writer_archive_age_seconds',
      help: 'Time since the primary archived a segment of its log; absent: it archives none. Active writer only',
      registers,
    });
    const byGroup = new Gauge({
      name: 'eco_writer_dead_letters_open_by_group',
      help: 'Open dead letters by error class and by where they failed, as eco dead-letters shows them',
      labelNames: ['error_class', 'place'],
      registers,
    });
    const keyConflicts = new Gauge({
      name: 'eco_writer_key_conflicts_open',
      help: 'Dead letters of class key-conflict, which the other figures leave out. Active writer only',
      registers,
    });
    const branchGauge = (name: string, help: string) =>
      new Gauge({ name, help: `${help}. Active writer only`, labelNames: ['branch'], registers });
    const frozen = branchGauge('eco_writer_branch_frozen', '1: the branch gets no units, because it was copied');
    const silent = branchGauge('eco_writer_branch_silent_seconds', 'Time since the last entry of the branch');
    const discrepancy = branchGauge(
      'eco_writer_branch_discrepancy_units',
      'Units that left the branch beyond its quota and that nobody has settled',
    );
    new Gauge({
      name: 'eco_writer_dead_letters_open',
      help: 'Open dead letters, without key conflicts. Active writer only',
      registers,
      async collect() {
        this.reset();
        oldestXminAge.reset();
        archiveAge.remove();
        byGroup.reset();
        keyConflicts.reset();
        for (const gauge of [frozen, silent, discrepancy]) gauge.reset();
        const { primary } = leadership;
        if (primary === undefined) return;
        try {
          const gauges = await readGauges(primary);
          this.set(gauges.deadLettersOpen);
          keyConflicts.set(gauges.keyConflictsOpen);
          for (const { errorClass, place, count } of gauges.deadLetters) {
            byGroup.set({ error_class: errorClass, place }, count);
          }
          for (const { branchId: branch, isFrozen, silentS, discrepancy: units } of gauges.branches) {
            frozen.set({ branch }, isFrozen ? 1 : 0);
            silent.set({ branch }, silentS);
            discrepancy.set({ branch }, units);
          }
          oldestXminAge.set(gauges.oldestXminAge);
          if (gauges.archiveAgeS !== undefined) archiveAge.set(gauges.archiveAgeS);
        } catch {
          // The database is away. The writer's other metrics show that, so the scrape must not fail.
        }
      },
    });
  }

  /** Shows the last observations of the watch of the primary, for leader and standby. */
  observePrimary(watch: PrimaryWatch): void {
    const registers = [this.#registry];
    new Gauge({
      name: 'eco_writer_replica_absent_seconds',
      help: 'How long the slot of an absent replica has held back vacuum',
      labelNames: ['slot'],
      registers,
      collect() {
        this.reset();
        for (const { slot, absentMs } of watch.absent) this.set({ slot }, absentMs / 1000);
      },
    });
    new Counter({
      name: 'eco_writer_slots_renewed_total',
      help: 'Slots of replicas that were absent for too long and were recreated, so that they no longer hold back vacuum',
      registers,
      collect() {
        this.reset();
        this.inc(watch.renewed);
      },
    });
    new Gauge({
      name: 'eco_writer_group_clock_ahead_seconds',
      help: 'How far the group clock is ahead of the clock of its primary, which was set back',
      registers,
      collect() {
        this.set(watch.clocks?.groupAheadS ?? NaN);
      },
    });
    new Gauge({
      name: 'eco_writer_primary_clock_ahead_seconds',
      help: 'How far the clock of the primary is ahead of the clock of this process; below 0: behind',
      registers,
      collect() {
        this.set(watch.clocks?.primaryAheadS ?? NaN);
      },
    });
  }
  /** Shows the sessions of other roles that this process ended, for leader and standby. */
  observeSessions(guard: SessionGuard): void {
    new Counter({
      name: 'eco_writer_sessions_ended_total',
      help: 'Sessions that this process ended because their transaction exceeded the limit of their role',
      labelNames: ['role'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [role, count] of guard.ended) this.inc({ role }, count);
      },
    });
  }
}
