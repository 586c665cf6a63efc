import type { ClusterDescription } from '../description.js';
import { ensurePrograms } from '../install.js';
import { AlreadyRunning, isRunning, readRun } from '../run-file.js';
import { runSteps, type RunSteps, type Say } from '../steps.js';
import { Keeper } from './keeper.js';
import { leftoversOf, stopLeftoverSteps } from './leftovers.js';
import { NativeCluster, type RunningCluster } from './native-cluster.js';
import { openNative } from './open-native.js';

export interface NativeOptions {
  /** Everything ends when this process ends, however it does. `and its data`: the data folder goes too. */
  readonly endWithUs?: 'the cluster' | 'the cluster and its data';
  readonly runSteps?: RunSteps;
  /** Gets a line now and then while servers are installed. */
  readonly say?: Say;
}

/** Starts a cluster of processes on this machine, and gives it back when all of it is ready. */
export async function startNative(
  description: ClusterDescription,
  options: NativeOptions = {},
): Promise<RunningCluster> {
  const cluster = await openCluster(description, options);
  try {
    await cluster.start(options.runSteps);
    return cluster;
  } catch (error) {
    await (options.endWithUs === 'the cluster and its data' ? cluster.destroy() : cluster.stop());
    throw error;
  }
}

/**
 * Makes ready what a cluster needs before its first process starts: stops what a crashed run left, and installs what is
 * missing where that may be done. Throws `AlreadyRunning`, `ProgramsMissing` and what `openNative` throws.
 */
export async function openCluster(
  description: ClusterDescription,
  options: NativeOptions = {},
): Promise<NativeCluster> {
  const { dataDir } = description;
  const run = readRun(dataDir);
  if (run && isRunning(run)) throw new AlreadyRunning(dataDir, run.supervisor.pid);
  if (run && leftoversOf(run).length > 0) {
    options.say?.('stops what a crashed run left');
    await (options.runSteps ?? runSteps)(stopLeftoverSteps(run));
  }
  const programs = await ensurePrograms(options.say ?? (() => undefined));
  const opened = await openNative(description, programs);
  const keeper =
    options.endWithUs && new Keeper(options.endWithUs === 'the cluster and its data' ? dataDir : undefined);
  try {
    return new NativeCluster(opened, keeper);
  } catch (error) {
    opened.reserved.release();
    keeper?.dismiss();
    throw error;
  }
}
