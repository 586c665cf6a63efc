import type { Login } from '@eco/base';
import { removeDataFolder } from './data-folder.js';
import { addFirstAdministrator } from './first-administrator.js';
import { Control } from './control.js';
import type { Operation, ServerOperation } from './failover/operation.js';
import { addFirstProducts } from './first-products.js';
import type { Host, OpenedHost } from './host.js';
import { clientUrlOf, type Layout } from './layout.js';
import { MissingServers } from './missing-servers.js';
import { startOf } from './processes/identity.js';
import type { Reaper } from './processes/reaper.js';
import { LogFiles } from './processes/log-files.js';
import { NativeProcess, type ProcessSpec } from './processes/native-process.js';
import { Services } from './processes/services.js';
import { stopSteps } from './processes/stop-stages.js';
import { Supervision } from './processes/supervision.js';
import { beginRun, endRun, updateRun, type Run } from './run-file.js';
import type { RunningBroker, RunningCluster, RunningGroup, RunningService } from './running-cluster.js';
import { RunningSystem } from './running-system.js';
import type { Installation } from './rotation/installation.js';
import { rotateSecret } from './rotation/rotate-secrets.js';
import { runSteps, type RunSteps, type Say, type Step } from './steps.js';

/** The brokers and databases of a cluster. Each provider implements this interface. */
export interface Servers {
  readonly brokers: readonly RunningBroker[];
  readonly groups: readonly RunningGroup[];
  /** Processes that are started again when they end. A provider without processes has none. */
  readonly restartable: readonly NativeProcess[];
  /** Replaces lost primaries and brings replicas back from now on. `say` gets a line about each. */
  supervise(say: Say): void;
  /** Carries out an operator's request, and returns a sentence about the result. Throws a `Refused`. */
  operate(operation: ServerOperation): Promise<string>;
  /** Where a rotation finds the secrets. */
  installation(): Installation;
  /** Resolves when nothing of that is under way any more. */
  endSupervision(): Promise<void>;
  /** Starts all servers. They are then ready, with users, queues, roles and schema. */
  startStep(): Step;
  /** Stop the servers that run, in order. */
  stopSteps(): readonly Step[];
  /** Kills everything at once. Resolves when nothing runs any more. */
  kill(): Promise<void>;
  /** Frees the servers' resources outside the data folder. It is called when all processes have ended. */
  remove(): Promise<void>;
}

/** Error of a start that `stop` interrupts. */
export class Stopped extends Error {
  override readonly name = 'Stopped';

  constructor() {
    super('the cluster is being stopped');
  }
}

/**
 * A cluster, started or not: its servers, which a provider runs, and our services, which are always processes of this
 * machine. A stopped cluster stays stopped. To continue, open another one on the same data.
 */
export class Cluster implements RunningCluster {
  readonly #abort = new AbortController();
  readonly #processes: NativeProcess[] = [];
  readonly #host: Host;
  readonly #reserved: OpenedHost['reserved'];
  readonly #servers: Servers;
  readonly #services: Services;
  readonly #supervision: Supervision;
  readonly #logFiles = new LogFiles(() => this.#processes.map(({ spec }) => spec.logFile));
  readonly #missing = new MissingServers(() => updateRun(this.#host.dataDir, this.#run()));
  #control: Control | undefined;
  #firstAdministrator: Login | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  readonly #reaper: Reaper | undefined;
  readonly system: RunningSystem;

  /** Takes the data folder. Throws `AlreadyRunning` if another run uses it. */
  constructor({ host, reserved }: OpenedHost, serversOn: (host: Host) => Servers, reaper?: Reaper) {
    this.#reaper = reaper;
    this.#host = {
      ...host,
      signal: this.#abort.signal,
      process: (spec) => this.#addProcess(spec),
      missing: (...server) => this.#missing.note(...server),
    };
    this.#reserved = reserved;
    this.#servers = serversOn(this.#host);
    this.system = new RunningSystem(host.layout, host.secrets);
    this.#services = new Services(this.#host);
    this.#supervision = new Supervision([...this.#services.processes, ...this.#servers.restartable]);
    beginRun(host.dataDir, this.#run());
    this.#logFiles.begin();
  }

  get layout(): Layout {
    return this.#host.layout;
  }

  get brokers(): readonly RunningBroker[] {
    return this.#servers.brokers;
  }

  get groups(): readonly RunningGroup[] {
    return this.#servers.groups;
  }

  get services(): readonly RunningService[] {
    return this.#services.nodes;
  }

  get firstAdministrator(): Login | undefined {
    return this.#firstAdministrator;
  }

  async rotateSecret(name: string): Promise<string> {
    return rotateSecret(this.#servers.installation(), name);
  }

  /** Processes of this machine: the services, and the servers if they are processes. */
  get processes(): readonly NativeProcess[] {
    return this.#processes;
  }

  /** Servers that could not be started, with the reason: the others continue without them. */
  get missing(): ReadonlyMap<string, string> {
    return this.#missing.reasons;
  }

  /** Resolves when everything is ready. Rejects with the first error, once nothing is running any more. */
  start(run: RunSteps = runSteps): Promise<void> {
    return (this.#started ??= this.#start(run));
  }

  async #start(run: RunSteps): Promise<void> {
    const underWay: Promise<void>[] = [];
    const tracked = (step: Step): Step =>
      'run' in step
        ? {
            title: step.title,
            run: (say) => {
              const work = step.run(say);
              underWay.push(work);
              return work;
            },
          }
        : { ...step, steps: step.steps.map(tracked) };
    try {
      await run(this.#startSteps().map(tracked));
    } catch (error) {
      this.#abort.abort(new Stopped());
      await Promise.allSettled(underWay);
      throw error;
    }
  }

  #startSteps(): Step[] {
    const servers = this.#servers.startStep();
    const central = this.layout.services.find(({ app }) => app === 'central-api');
    if (central === undefined) return [servers];
    const url = clientUrlOf(central);
    const products = { title: 'first products', run: () => addFirstProducts(url, this.system.tokens) };
    const administrator = {
      title: 'first administrator',
      run: async () => {
        this.#firstAdministrator = await addFirstAdministrator(url, this.system.tokens);
      },
    };
    return [servers, this.#services.startStep(), products, administrator];
  }

  async supervise(say: (line: string) => void): Promise<void> {
    this.#supervision.begin(say);
    this.#missing.supervise(say);
    this.#servers.supervise(say);
    this.#control = await Control.open((operation) => this.#operate(operation));
    updateRun(this.#host.dataDir, this.#run());
  }

  async #operate(operation: Operation): Promise<string> {
    switch (operation.type) {
      case 'restart':
        await this.#services.restart(operation.service);
        return `${operation.service} is ready again`;
      case 'stop':
        await this.#services.stop(operation.service);
        return `${operation.service} is stopped until it is restarted`;
      default:
        return this.#servers.operate(operation);
    }
  }

  stop(run: RunSteps = runSteps): Promise<void> {
    return (this.#stopped ??= this.#stop(run));
  }

  async #stop(run: RunSteps): Promise<void> {
    this.#missing.end();
    this.#supervision.end();
    this.#abort.abort(new Stopped());
    await this.#started?.catch(() => undefined);
    const services = this.#services.processes.filter((process) => process.running);
    // What is under way starts no process any more, and ends with the servers.
    const unsupervised = this.#servers.endSupervision();
    await run([...stopSteps(services, (process) => process.stop()), ...this.#servers.stopSteps()]);
    await unsupervised;
    await this.#cleanUp();
  }

  /** Kills all processes that still run. */
  async kill(): Promise<void> {
    this.#missing.end();
    this.#supervision.end();
    this.#abort.abort(new Stopped());
    const unsupervised = this.#servers.endSupervision();
    const killAll = async () => {
      this.#services.processes.forEach((process) => process.kill('SIGKILL'));
      await this.#servers.kill();
    };
    await killAll();
    await this.#started?.catch(() => undefined);
    await killAll();
    await Promise.all(this.#services.processes.map((process) => process.ended()));
    await unsupervised;
    await this.#cleanUp();
  }

  async destroy(): Promise<void> {
    await (this.#stopped ??= this.kill());
    await removeDataFolder(this.#host.dataDir);
  }

  async #cleanUp(): Promise<void> {
    await this.#control?.close();
    this.#logFiles.end();
    await this.#servers.remove();
    endRun(this.#host.dataDir);
    this.#reserved.release();
    this.#reaper?.dismiss();
  }

  #addProcess(spec: ProcessSpec): NativeProcess {
    const process = new NativeProcess(spec, {
      started: ({ pid }) => {
        this.#reaper?.began(pid);
        updateRun(this.#host.dataDir, this.#run());
      },
      ended: (ended) => {
        this.#reaper?.ended(ended.pid);
        this.#supervision.noteEnd(ended);
      },
    });
    this.#processes.push(process);
    return process;
  }

  #run(): Run {
    return {
      supervisor: { pid: process.pid, start: startOf(process.pid) ?? '' },
      layout: this.layout,
      control: this.#control?.socket,
      missing: Object.fromEntries(this.#missing.reasons),
      backupsDir: this.#host.description.backupsDir,
      processes: this.#processes
        .filter((each) => each.running)
        .map((each) => {
          const { name, stage, stopSignal, stopMs, logFile } = each.spec;
          return { name, stage, pid: each.pid, start: each.begun, stopSignal, stopMs, logFile };
        }),
    };
  }
}
