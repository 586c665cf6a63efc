import type { FaultSystem } from './fault-system.js';

/** A fault injected into the system, and its repair. */
export interface Fault {
  readonly name: string;
  /**
   * Injects the fault and settles when it is repaired. Returns the times until everything continued as before: one, or
   * several if the fault was repeated.
   */
  run(system: FaultSystem): Promise<Recovery>;
}

export interface Recovery {
  /** The recovery that the times measure. */
  readonly what: 'attached' | 'taken over';
  readonly tookMs: readonly number[];
}

/** Lengths of the faults: modest ones, or all that is promised. */
export interface Lengths {
  readonly requestsPerSecond: number;
  /** After one of this many requests, a bad raw message is sent. */
  readonly badEvery: number;
  readonly quietMs: number;
  readonly writerKills: number;
  /** Number of kills. Each kills one broker. */
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
