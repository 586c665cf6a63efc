import type { FaultSystem } from './fault-system.js';

/** A fault injected into the system, and its repair. */
export interface Fault {
  readonly name: string;
  /**
   * Settles when the fault is repaired. Returns how long it took until everything continued as before, once or several
   * times.
   */
  run(system: FaultSystem): Promise<Recovery>;
}

export interface Recovery {
  /** Meaning of the times. */
  readonly what: 'attached' | 'taken over';
  readonly tookMs: readonly number[];
}

/** Durations of faults: modest, or the full promised ones. */
export interface Lengths {
  readonly requestsPerSecond: number;
  /** One of this many requests is followed by a bad raw message. */
  readonly badEvery: number;
  readonly quietMs: number;
  readonly writerKills: number;
  /** Kills, of one broker at a time. */
  readonly brokerKills: number;
  readonly brokerAwayMs: number;
  readonly databaseAwayMs: number;
  readonly alarmMs: number;
  /** The brokers' lowered consumer timeout, and the minimum time without replicas. */
  readonly consumerTimeoutMs: number;
  readonly replicasAwayMs: number;
}

const modest: Lengths = {
  requestsPerSecond: 50,
  badEvery: 300,
  quietMs: 3000,
  writerKills: 5,
  brokerKills: 3,
  brokerAwayMs: 3000,
  databaseAwayMs: 8000,
  alarmMs: 5000,
  consumerTimeoutMs: 2000,
  replicasAwayMs: 12_000,
};

const full: Lengths = {
  requestsPerSecond: 100,
  badEvery: 1000,
  quietMs: 30_000,
  writerKills: 30,
  brokerKills: 20,
  brokerAwayMs: 15_000,
  databaseAwayMs: 30_000,
  alarmMs: 20_000,
  consumerTimeoutMs: 2000,
  replicasAwayMs: 45_000,
};

export function lengths(): Lengths {
  const asked = process.env['ECO_TEST_FAULTS'] ?? 'modest';
  if (asked === 'modest') return modest;
  if (asked === 'full') return full;
  throw new Error(`ECO_TEST_FAULTS is ${asked}: it must be modest or full`);
}
