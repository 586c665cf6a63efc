import type { Login } from '@eco/base';
import type { RunningSystem } from './running-system.js';

/**
 * A running cluster, of processes or containers. Actions on a part mean the same on both, so suites are written once.
 */

/** A process or container of the cluster. Actions also apply to the processes that it started. */
export interface RunningNode {
  readonly name: string;
  isRunning(): Promise<boolean>;
  /** Kills the node as if its machine lost power. Resolves when none of its processes runs any more. */
  kill(): Promise<void>;
  /** Requests an orderly end and waits. Kills the node if it does not end in time. */
  stop(): Promise<void>;
  /** Resolves when it is ready; at once if it is already. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Stalls the node. Its memory is kept and its connections stay open, but it does not answer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** A broker or a database. The last four actions need `faults` in the description, and throw a `Refused` without it. */
export interface RunningServer extends RunningNode {
  readonly host: string;
  /** Cuts the server off from peers and clients, as if its cable were pulled. Sent packets are lost. */
  cutOff(): Promise<void>;
  reconnect(): Promise<void>;
  /** Fills the disk of its data. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
}

export interface RunningBroker extends RunningServer {
  /** The name by which other brokers call this one, such as rabbit@broker-1. */
  readonly erlangName: string;
  readonly amqpPort: number;
  /** See `Address` of @eco/base. */
  readonly authority?: string | undefined;
  /** URL of the management UI and API. */
  readonly managementUrl: string;
  /**
   * Runs rabbitmqctl on this node and returns its output. Throws with the output if it failed. It always fails in a
   * container that is cut off, because that can't reach itself.
   */
  control(...args: string[]): Promise<string>;
  /** Makes the broker treat its memory as full, so that the whole cluster blocks publishers. */
  raiseMemoryAlarm(): Promise<void>;
  clearMemoryAlarm(): Promise<void>;
}

export interface RunningDatabase extends RunningServer {
  readonly port: number;
  /** See `Address` of @eco/base. */
  readonly authority?: string | undefined;
  /** Promotes a replica. The others keep following their current primary. */
  promote(): Promise<void>;
  /** Makes a replica follow another primary of its group. Resolves when it streams. */
  follow(primary: RunningDatabase): Promise<void>;
  /** Kills the server and deletes its data, as if its machine had burned. */
  lose(): Promise<void>;
}

export interface RunningGroup {
  readonly id: string;
  /** The first node was the primary when the group was created. The present primary is discovered. */
  readonly nodes: readonly [RunningDatabase, ...RunningDatabase[]];
}

export interface RunningService extends RunningNode {
  /** URL for clients. Without an API it is the same as `operatorsUrl`. */
  readonly url: string;
  /** URL for operators: metrics, details of readiness, documents. */
  readonly operatorsUrl: string;
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
  /** Its addresses and log-ins. */
  readonly system: RunningSystem;
  /** Log-in of the administrator that this start has added. Undefined: an earlier start added it. */
  readonly firstAdministrator: Login | undefined;
  /** Rotates a secret, such as `signing-key` or `database/eco_reader`. Returns a sentence about the result. */
  rotateSecret(name: string): Promise<string>;
  /**
   * From now on starts again what ends on its own, replaces a lost primary and takes operations of `eco`. `say` gets a
   * line about each.
   */
  supervise(say: (line: string) => void): Promise<void>;
  /** Stops everything in order and keeps the data. It may be called early, twice or during the start. */
  stop(): Promise<void>;
  /** Ends at once and removes the data. */
  destroy(): Promise<void>;
}
