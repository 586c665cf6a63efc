import { sleep } from '@eco/base';
import type { RunningService } from '@eco/cluster';
import { eventually } from '@eco/testing';
import type { BranchProcess } from '../branches/branch-process.js';
import { failoverFaults, switchovers } from '../failover/failover-faults.js';
import { brokerFaults } from '../faults/broker-faults.js';
import { clockFaults } from '../faults/clock-faults.js';
import { databaseFaults } from '../faults/database-faults.js';
import type { Fault, Lengths } from '../faults/fault.js';
import type { FaultSystem } from '../faults/fault-system.js';
import { writerFaults } from '../faults/writer-faults.js';

/** Short faults, because a run has many. */
const LENGTHS: Lengths = {
  ...{ requestsPerSecond: 0, badEvery: 0, quietMs: 0 },
  ...{ writerKills: 2, brokerKills: 1, brokerAwayMs: 3000, alarmMs: 4000 },
  ...{ databaseAwayMs: 3000, consumerTimeoutMs: 0, replicasAwayMs: 0 },
};
const FROZEN_MS = 6000;
const CUT_MS = 6000;

export interface ChaosFault extends Fault {
  readonly part: 'database' | 'brokers' | 'writers' | 'clock' | 'services' | 'branch';
  /** It fails if the leader changes, so it meets nothing that changes the leader. */
  readonly keepsLeader?: boolean;
}

/** Whether two faults may happen together. Two lost machines of one part may lose what one may not. */
export function mayMeet(one: ChaosFault, other: ChaosFault): boolean {
  if (one.part === other.part) return false;
  const changesLeader = ({ part }: ChaosFault) => part === 'database' || part === 'brokers' || part === 'writers';
  return !(one.keepsLeader === true && changesLeader(other)) && !(other.keepsLeader === true && changesLeader(one));
}

/**
 * Every fault that the system survives by itself. Without supervision nobody replaces a primary, and a fault starts
 * again what it has ended.
 */
export function chaosFaults(branch: BranchProcess, isSupervised: boolean): readonly ChaosFault[] {
  const of = (part: ChaosFault['part'], faults: readonly Fault[]): ChaosFault[] =>
    faults.map((fault) => ({ ...fault, part }));
  const [kills, ...stalls] = writerFaults(LENGTHS);
  return [
    ...of('database', isSupervised ? [...failoverFaults, ...switchovers] : restarts()),
    // The first one is no fault.
    ...of('brokers', brokerFaults(LENGTHS).slice(1)),
    ...of('writers', kills === undefined ? [] : [kills]),
    ...of('writers', stalls).map((fault) => ({ ...fault, keepsLeader: true })),
    ...of('clock', clockFaults()).map((fault) => ({ ...fault, keepsLeader: true })),
    ...of(
      'services',
      ['central-api', 'read-service'].flatMap((name) => serviceFaults(name, isSupervised)),
    ),
    ...of('branch', branchFaults(branch)),
  ];
}

function restarts(): Fault[] {
  const [primaryAway] = databaseFaults(LENGTHS);
  const replicaKilled: Fault = {
    name: 'a replica is killed and comes back',
    async run(system) {
      const primary = await system.primary();
      const replica = system.nodes.find((node) => node !== primary);
      await replica?.kill();
      await sleep(LENGTHS.databaseAwayMs);
      await replica?.start();
      return { what: 'attached', tookMs: [await system.untilAttached()] };
    },
  };
  return [...(primaryAway === undefined ? [] : [primaryAway]), replicaKilled];
}

function serviceFaults(name: string, isSupervised: boolean): Fault[] {
  const whileAway = async (system: FaultSystem, away: (service: RunningService) => Promise<void>) => {
    const service = system.service(name);
    const startedAt = performance.now();
    await away(service);
    await eventually(
      `${name} is live`,
      async () => (await fetch(`${service.url}/health/live`, { signal: AbortSignal.timeout(2000) })).ok,
      { deadlineMs: 120_000, pauseMs: 100 },
    );
    return { what: 'attached', tookMs: [performance.now() - startedAt] } as const;
  };
  return [
    {
      name: `${name} is killed`,
      run: (system) =>
        whileAway(system, async (service) => {
          await service.kill();
          if (!isSupervised) await service.start();
        }),
    },
    {
      name: `${name} is frozen for ${FROZEN_MS / 1000} s`,
      run: (system) =>
        whileAway(system, async (service) => {
          await service.pause();
          await sleep(FROZEN_MS);
          await service.resume();
        }),
    },
  ];
}

function branchFaults(branch: BranchProcess): Fault[] {
  const cut = (how: 'silent' | 'down') => async () => {
    branch.line.cut(how);
    await sleep(CUT_MS);
    branch.line.mend();
    return { what: 'attached', tookMs: [CUT_MS] } as const;
  };
  return [
    { name: 'the line of the branch is cut', run: cut('down') },
    { name: 'the line of the branch loses what is sent', run: cut('silent') },
    {
      name: 'the branch is killed and starts again',
      run: async () => {
        await branch.end('SIGKILL');
        return { what: 'attached', tookMs: [await branch.start()] };
      },
    },
  ];
}
