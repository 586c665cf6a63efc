import { Cluster } from './cluster.js';
import type { ClusterDescription } from './description.js';
import { openHost, type OpenedHost } from './host.js';
import { ensurePrograms } from './install.js';
import { withHosts, serversOf } from './layout.js';
import { accountFor } from './native/account.js';
import { Disks } from './native/disks.js';
import { Reaper } from './processes/reaper.js';
import { leftoversOf, stopLeftoverSteps } from './processes/leftovers.js';
import { NativeServers } from './native/native-servers.js';
import { Network } from './native/network.js';
import type { Programs } from './programs.js';
import { AlreadyRunning, isRunning, readRun } from './run-file.js';
import type { RunningCluster } from './running-cluster.js';
import { runSteps, type RunSteps, type Say } from './steps.js';

export interface NativeOptions {
  /**
   * What must end when this process ends, in whatever way. `the cluster and its data`: the data folder is removed, too.
   */
  readonly endWithUs?: 'the cluster' | 'the cluster and its data';
  readonly runSteps?: RunSteps;
  /** Called with lines of text while programs are installed. */
  readonly say?: Say;
}

/** Starts a cluster of processes on this machine, and returns it when all of it is ready. */
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
 * Prepares everything that a cluster of processes needs before its first one starts: stops the leftovers of a crashed
 * run, and installs missing programs if allowed. Throws `AlreadyRunning`, `ProgramsMissing`, `UnreachableFolder`, the
 * errors of `openHost`, and a `Refused` if the description asks for faults that this user can't create.
 */
export async function openCluster(description: ClusterDescription, options: NativeOptions = {}): Promise<Cluster> {
  const { dataDir } = description;
  const run = readRun(dataDir);
  if (run && isRunning(run)) throw new AlreadyRunning(dataDir, run.supervisor.pid);
  if (run && leftoversOf(run).length > 0) {
    options.say?.('stopping the leftovers of a crashed run');
    await (options.runSteps ?? runSteps)(stopLeftoverSteps(run));
  }
  const programs = await ensurePrograms(options.say ?? (() => undefined), {
    backups: description.backupsDir !== undefined,
    observability: description.observability,
  });
  const opened = await openHost(description);
  const reaper =
    options.endWithUs && new Reaper(options.endWithUs === 'the cluster and its data' ? dataDir : undefined);
  try {
    return await nativeCluster(opened, programs, reaper);
  } catch (error) {
    opened.reserved.release();
    reaper?.dismiss();
    throw error;
  }
}

async function nativeCluster(
  { host, reserved }: OpenedHost,
  programs: Programs,
  reaper: Reaper | undefined,
): Promise<Cluster> {
  const account = accountFor(host.dataDir);
  if (!host.description.faults) {
    return new Cluster({ host, reserved }, (on) => new NativeServers({ ...on, programs, account }), reaper);
  }
  const servers = serversOf(host.layout).map(({ name }) => name);
  const network = await Network.make(servers);
  reaper?.addCleanup(network.removal);
  const disks = new Disks(host.dataDir);
  try {
    for (const server of servers) {
      await disks.mount(server);
      reaper?.addCleanup(`umount -l '${disks.dirOf(server)}'`);
    }
    const layout = withHosts(host.layout, (server) => network.hostOf(server));
    return new Cluster(
      { host: { ...host, layout }, reserved },
      (on) => new NativeServers({ ...on, programs, account, network, disks }),
      reaper,
    );
  } catch (error) {
    await disks.remove();
    await network.remove();
    throw error;
  }
}
