import type { DatabaseLogin } from './secrets.js';

/**
 * A cluster that runs, whoever started it and as what: processes or containers. What is done to a part means the same on
 * both, so a suite is written once.
 */

/** A part, as a fault suite needs it. What is done to it is done to all that it started. */
export interface RunningNode {
  readonly name: string;
  isRunning(): Promise<boolean>;
  /** As if its machine lost power. Resolves when nothing of it runs any more. */
  kill(): Promise<void>;
  /** Asks it to end in good order, waits, and kills it when it does not. */
  stop(): Promise<void>;
  /** Resolves when it is ready; at once when it is already. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** It stands still: nothing of it is lost, its connections stay open, and nobody answers on them. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** A broker or a database. The last four are to be had with `faults` in the description, and throw a `Refused` without. */
export interface RunningServer extends RunningNode {
  readonly host: string;
  /** Nothing comes or goes any more, to peers and to clients: what is sent is lost, as with a cable that was pulled. */
  cutOff(): Promise<void>;
  reconnect(): Promise<void>;
  /** Takes all that is left of the disk that its data is on. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
}

export interface RunningBroker extends RunningServer {
  /** As brokers call each other, such as rabbit@broker-1. */
  readonly erlangName: string;
  readonly amqpPort: number;
  /** Of its management UI and API. */
  readonly managementUrl: string;
  /**
   * Runs rabbitmqctl on this node and gives back what it printed. Throws with what it said when it failed, as it does
   * where a container is cut off: it can't reach even itself then.
   */
  control(...args: string[]): Promise<string>;
  /** It takes all memory for used: the whole cluster then holds up whoever publishes. */
  raiseMemoryAlarm(): Promise<void>;
  clearMemoryAlarm(): Promise<void>;
}

export interface RunningDatabase extends RunningServer {
  readonly port: number;
  /** A replica becomes a primary. The others go on following the one they followed. */
  promote(): Promise<void>;
  /** A replica follows another primary of its group from now on. Resolves when it streams. */
  follow(primary: RunningDatabase): Promise<void>;
  /** As if its machine burned: it is killed, and its data is gone. */
  lose(): Promise<void>;
}

export interface RunningGroup {
  readonly id: string;
  /** The first was the primary when the group was made; which one is now, is asked. */
  readonly nodes: readonly [RunningDatabase, ...RunningDatabase[]];
}

export interface RunningService extends RunningNode {
  readonly url: string;
}

export interface DatabaseAccess {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface RunningCluster {
  readonly brokers: readonly RunningBroker[];
  readonly groups: readonly RunningGroup[];
  readonly services: readonly RunningService[];
  readonly operator: { readonly user: string; readonly password: string };
  /** `postgres` is the superuser. */
  databaseLogin(role: DatabaseLogin): DatabaseAccess;
  /** From now on services that end by themselves are started again; `say` gets a line each time any process ends. */
  supervise(say: (line: string) => void): void;
  /** In order; the data stays. May come early, twice or while it starts. */
  stop(): Promise<void>;
  /** At once, with the data. */
  destroy(): Promise<void>;
}
