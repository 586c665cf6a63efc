import { DATABASE_NAME } from '@eco/database';
import { removeDataFolder } from '../data-folder.js';
import { addFirstProducts } from '../first-products.js';
import type { Layout } from '../layout.js';
import { beginRun, endRun, updateRun, type Run } from '../run-file.js';
import type { DatabaseLogin } from '../secrets.js';
import { runSteps, together, type RunSteps, type Step } from '../steps.js';
import { startOf } from './identity.js';
import type { Keeper } from './keeper.js';
import type { Native } from './native.js';
import type { OpenedNative } from './open-native.js';
import { PostgresGroup } from './postgres.js';
import { NativeProcess, type ProcessSpec } from './process.js';
import { Rabbitmq } from './rabbitmq.js';
import { Services } from './services.js';
import { stopSteps } from './stop-stages.js';
import { Supervision } from './supervision.js';

export interface RunningBroker {
  readonly name: string;
  readonly host: string;
  readonly amqpPort: number;
  /** Of its management UI and API. */
  readonly managementUrl: string;
}

export interface DatabaseAccess {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A process as a fault suite needs it: what happens to it happens to all that it started. */
export interface RunningProcess {
  readonly name: string;
  /** Of the one that runs, or ran last. */
  readonly pid: number;
  readonly running: boolean;
  kill(signal: NodeJS.Signals): void;
  pause(): void;
  resume(): void;
  /** Resolves when it is ready again. Starts it when it does not run. */
  restart(): Promise<void>;
}

export interface RunningCluster {
  readonly brokers: readonly RunningBroker[];
  readonly groups: Layout['groups'];
  readonly services: readonly { readonly name: string; readonly url: string }[];
  readonly operator: { readonly user: string; readonly password: string };
  readonly processes: readonly RunningProcess[];
  /** `postgres` is the superuser. */
  databaseLogin(role: DatabaseLogin): DatabaseAccess;
  /** From now on services that end by themselves are started again; `say` gets a line each time any process ends. */
  supervise(say: (line: string) => void): void;
  /** In order; the data stays. May come early, twice or while it starts. */
  stop(): Promise<void>;
  /** At once, with the data. */
  destroy(): Promise<void>;
}

/** What a start that is cut short by `stop` rejects with. */
export class Stopped extends Error {
  override readonly name = 'Stopped';

  constructor() {
    super('the cluster is being stopped');
  }
}

/** A cluster of processes on this machine, begun or not. Once stopped it stays so: open another on the same data. */
export class NativeCluster implements RunningCluster {
  readonly #abort = new AbortController();
  readonly #processes: NativeProcess[] = [];
  readonly #native: Native;
  readonly #reserved: OpenedNative['reserved'];
  readonly #rabbitmq: Rabbitmq;
  readonly #groups: readonly PostgresGroup[];
  readonly #services: Services;
  readonly #supervision: Supervision;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** Takes the data folder; throws `AlreadyRunning` when another run has it. */
  constructor(
    { native, reserved }: OpenedNative,
    private readonly keeper?: Keeper,
  ) {
    this.#native = { ...native, signal: this.#abort.signal, process: (spec) => this.#addProcess(spec) };
    this.#reserved = reserved;
    this.#rabbitmq = new Rabbitmq(this.#native);
    this.#groups = native.layout.groups.map((group) => new PostgresGroup(this.#native, group));
    this.#services = new Services(this.#native);
    this.#supervision = new Supervision(this.#services.processes);
    beginRun(native.dataDir, this.#run());
  }

  get layout(): Layout {
    return this.#native.layout;
  }

  get brokers(): readonly RunningBroker[] {
    return this.layout.brokers.map(({ name, host, amqpPort, managementPort }) => ({
      name,
      host,
      amqpPort,
      managementUrl: `http://${host}:${managementPort}`,
    }));
  }

  get groups(): Layout['groups'] {
    return this.layout.groups;
  }

  get services(): readonly { name: string; url: string }[] {
    return this.layout.services.map(({ name, host, port }) => ({ name, url: `http://${host}:${port}` }));
  }

  get operator(): { user: string; password: string } {
    return { user: 'operator', password: this.#native.secrets.broker.operator };
  }

  get processes(): readonly NativeProcess[] {
    return this.#processes;
  }

  databaseLogin(role: DatabaseLogin): DatabaseAccess {
    return { user: role, password: this.#native.secrets.database[role], database: DATABASE_NAME };
  }

  /** Resolves when everything is ready. Rejects with the first fault, once nothing is under way any more. */
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

  /** Brokers and databases know nothing of each other, so they start at the same time. */
  #startSteps(): Step[] {
    const servers = together('servers', [
      this.#rabbitmq.startStep(),
      ...this.#groups.map((group) => group.startStep()),
    ]);
    const central = this.layout.services.find(({ app }) => app === 'central-api');
    if (central === undefined) return [servers];
    const products = {
      title: 'first products',
      run: () => addFirstProducts(`http://${central.host}:${central.port}`),
    };
    return [servers, this.#services.startStep(), products];
  }

  supervise(say: (line: string) => void): void {
    this.#supervision.begin(say);
  }

  stop(run: RunSteps = runSteps): Promise<void> {
    return (this.#stopped ??= this.#stop(run));
  }

  async #stop(run: RunSteps): Promise<void> {
    this.#supervision.end();
    this.#abort.abort(new Stopped());
    await this.#started?.catch(() => undefined);
    const running = this.#processes.filter((process) => process.running);
    await run(stopSteps(running, (process) => process.stop()));
    this.#cleanUp();
  }

  /** Kills whatever still runs. */
  async kill(): Promise<void> {
    this.#supervision.end();
    this.#abort.abort(new Stopped());
    const killAll = () => this.#processes.forEach((process) => process.kill('SIGKILL'));
    killAll();
    await this.#started?.catch(() => undefined);
    killAll();
    await Promise.all(this.#processes.map((process) => process.ended()));
    this.#cleanUp();
  }

  async destroy(): Promise<void> {
    await (this.#stopped ??= this.kill());
    await removeDataFolder(this.#native.dataDir);
  }

  #cleanUp(): void {
    endRun(this.#native.dataDir);
    this.#reserved.release();
    this.keeper?.dismiss();
  }

  #addProcess(spec: ProcessSpec): NativeProcess {
    const process = new NativeProcess(spec, {
      started: ({ pid }) => {
        this.keeper?.began(pid);
        updateRun(this.#native.dataDir, this.#run());
      },
      ended: (ended) => {
        this.keeper?.ended(ended.pid);
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
      processes: this.#processes
        .filter((each) => each.running)
        .map((each) => {
          const { name, stage, stopSignal, stopMs, logFile } = each.spec;
          return { name, stage, pid: each.pid, start: each.begun, stopSignal, stopMs, logFile };
        }),
    };
  }
}
