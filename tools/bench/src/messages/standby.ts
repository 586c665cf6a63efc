import { sleep } from '@eco/base';
import { Metrics } from '@eco/observability';
import type { LoadSettings } from '../segment.js';
import type { System } from '../system.js';
import { startLoad } from '../wrk/wrk.js';

/** Batches of the active writer in one segment of load. */
export interface BatchTime {
  readonly withStandby: boolean;
  readonly batches: number;
  readonly commands: number;
  /** Duration of one batch: fence, load, decide, store and commit. */
  readonly meanMs: number;
}

export interface StandbySpec {
  readonly callers: number;
  /** Duration of each stretch. */
  readonly seconds: number;
  /** Number of rounds. Each has a stretch with a standby and one without. */
  readonly rounds: number;
}

/**
 * Measures batches with and without a standby. Batches that become slower and slower would show that a standby polls
 * wrongly and holds back vacuum.
 */
export async function measureStandby(
  system: System,
  { callers, seconds, rounds }: StandbySpec,
  load: LoadSettings,
  say: (line: string) => void,
): Promise<BatchTime[]> {
  const measured: BatchTime[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const withStandby of round % 2 === 1 ? [true, false] : [false, true]) {
      const { active, standby } = await rolesOf(system);
      if (withStandby) await standby.start();
      else await standby.stop();
      const spec = { kind: 'mixed' as const, waitSeconds: 0, url: system.centralUrl, callers };
      const { wrk, products, customers, token, signal } = load;
      const before = await sums(active.url);
      await using running = await startLoad(wrk, { ...spec, products, customers, token, seconds, seed: round }, signal);
      await running.result;
      const after = await sums(active.url);
      const batches = after.batches - before.batches;
      const meanMs = ((after.seconds - before.seconds) * 1000) / batches;
      const commands = Math.round((after.commands - before.commands) / batches);
      measured.push({ withStandby, batches, commands, meanMs });
      const what = withStandby ? 'with a standby' : 'without';
      say(`round ${round}, ${what}: ${meanMs.toFixed(1)} ms a batch of ${commands}, ${batches} batches`);
      await standby.start();
      await untilDrained(active.url);
    }
  }
  return measured;
}

async function rolesOf(system: System) {
  const writers = system.writers.map((process, index) => ({
    url: system.writerUrls[index] ?? '',
    start: () => process.start(),
    stop: () => process.stop(),
  }));
  for (;;) {
    const leads = await Promise.all(
      writers.map(async ({ url }) => (await Metrics.of(url))?.value('eco_writer_leader') === 1),
    );
    const active = writers[leads.indexOf(true)];
    const standby = writers[leads.indexOf(false)];
    if (active && standby) return { active, standby };
    await sleep(100);
  }
}

async function sums(url: string): Promise<{ batches: number; seconds: number; commands: number }> {
  const metrics = await Metrics.of(url);
  const sum = (name: string) => (metrics?.values(name) ?? []).reduce((total, each) => total + each, 0);
  return {
    batches: sum('eco_writer_batch_commands_count'),
    commands: sum('eco_writer_batch_commands_sum'),
    seconds: sum('eco_writer_batch_seconds_sum'),
  };
}

/** Waits until a second passes without a batch. */
async function untilDrained(url: string): Promise<void> {
  for (let before = -1; ;) {
    const { batches } = await sums(url);
    if (batches === before) return;
    before = batches;
    await sleep(1000);
  }
}
