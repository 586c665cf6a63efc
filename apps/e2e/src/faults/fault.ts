import type { FaultSystem } from './fault-system.js';

/** One thing that is done to the system, and what heals it. */
export interface Fault {
  readonly name: string;
  /** Ends when the fault is healed. Gives back how long it took until all went on as before, once or several times. */
  run(system: FaultSystem): Promise<Recovery>;
}

export interface Recovery {
  /** What the times are of. */
  readonly what: 'attached' | 'taken over';
  readonly tookMs: readonly number[];
}

/** How long faults last: modest, or as long as is promised. */
export interface Lengths {
  readonly requestsPerSecond: number;
  /** Of so many requests one is followed by something bad by hand. */
  readonly badEvery: number;
  readonly quietMs: number;
  readonly writerKills: number;
  /** Of one broker at a time. */
  readonly brokerKills: number;
  readonly brokerAwayMs: number;
  readonly databaseAwayMs: number;
  readonly alarmMs: number;
  /** What the brokers' own consumer timeout is lowered to, and how long the replicas are away at least. */
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
