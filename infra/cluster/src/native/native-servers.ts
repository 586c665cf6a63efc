import type { Servers } from '../cluster.js';
import { GroupWatch } from '../failover/group-watch.js';
import type { ServerOperation } from '../failover/operation.js';
import { Refused } from '../refused.js';
import type { Installation } from '../rotation/installation.js';
import type { RunningBroker, RunningGroup } from '../running-cluster.js';
import { superuserOf } from '../secrets.js';
import { inOrder, together, type Say, type Step } from '../steps.js';
import { nativeInstallation } from './installation.js';
import { Observers } from './observers.js';
import type { Native } from './native.js';
import { PostgresGroup } from './postgres.js';
import type { NativeProcess, ProcessSpec } from '../processes/native-process.js';
import { Rabbitmq } from './rabbitmq.js';
import { stopSteps } from '../processes/stop-stages.js';

/** Brokers and databases as processes of this machine. */
export class NativeServers implements Servers {
  readonly #native: Native;
  readonly #processes: NativeProcess[] = [];
  readonly #rabbitmq: Rabbitmq;
  readonly #groups: readonly PostgresGroup[];
  readonly #observers: Observers;
  #watches: readonly GroupWatch[] = [];
  readonly brokers: readonly RunningBroker[];
  readonly groups: readonly RunningGroup[];

  constructor(native: Native) {
    this.#native = native;
    const noted = {
      ...native,
      process: (spec: ProcessSpec) => {
        const process = native.process(spec);
        this.#processes.push(process);
        return process;
      },
    };
    this.#rabbitmq = new Rabbitmq(noted);
    this.#groups = native.layout.groups.map((group) => new PostgresGroup(noted, group));
    this.#observers = new Observers(noted);
    this.brokers = this.#rabbitmq.brokers;
    this.groups = this.#groups.map((group) => group.running);
  }

  /** Brokers and databases do not depend on each other, so they start at the same time. Then comes what watches them. */
  startStep(): Step {
    const brokers = this.brokers.length > 0 ? [this.#rabbitmq.startStep()] : [];
    const groups = this.#groups.map((group) => group.startStep());
    const servers = together('servers', [...brokers, ...groups]);
    const observers = this.#observers.startSteps();
    return observers.length === 0 ? servers : inOrder('servers, and what watches them', [servers, ...observers]);
  }

  /** A database returns by its group's watch. */
  get restartable(): readonly NativeProcess[] {
    return [...this.#rabbitmq.processes, ...this.#observers.processes];
  }

  supervise(say: Say): void {
    const { dataDir, description } = this.#native;
    const options = {
      password: superuserOf(dataDir).password,
      replicaAwayMs: description.replicaAwaySeconds * 1000,
      say,
    };
    this.#watches = this.#groups.map(({ watched }) => new GroupWatch(watched, options));
    this.#watches.forEach((watch) => watch.begin());
  }

  operate(operation: ServerOperation): Promise<string> {
    const watches = this.#watches.filter((watch, index) => {
      if (operation.type === 'reinit') return watch.hasNode(operation.node);
      return operation.group === undefined || this.groups[index]?.id === operation.group;
    });
    const [watch, ...others] = watches;
    const groups = this.groups.map(({ id }) => id).join(', ');
    if (watch === undefined) throw new Refused(`there is no such node or group; the groups are ${groups}`);
    if (others.length > 0) throw new Refused(`name one of the groups ${groups} by --group`);
    return watch.operate(operation);
  }

  installation(): Installation {
    return nativeInstallation(this.#native.dataDir, this.#native.layout);
  }

  async endSupervision(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.end()));
  }

  stopSteps(): readonly Step[] {
    const running = this.#processes.filter((process) => process.running);
    return stopSteps(running, (process) => process.stop());
  }

  async kill(): Promise<void> {
    this.#processes.forEach((process) => process.kill('SIGKILL'));
    await Promise.all(this.#processes.map((process) => process.ended()));
  }

  async remove(): Promise<void> {
    await this.#native.disks?.remove();
    await this.#native.network?.remove();
  }
}
