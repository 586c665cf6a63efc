import { BrokerConnection, CommandPublisher, confirmMetrics, registerBrokerMetrics } from '@eco/broker';
import type { Edge, HostPort, Login } from '@eco/edge';
import type { Reads } from '@eco/reads';
import { CommandIntake } from './command-intake.js';

export interface IntakeSettings {
  readonly brokers: readonly HostPort[];
  /** Of the broker user that may publish commands. */
  readonly login: Login;
  /** Branch that this process serves; null: the head office. */
  readonly branchId: string | null;
  readonly reads: Reads;
  /** Where a command goes whose group is not known yet. Any will do: its writer knows. */
  readonly anyGroup: string;
}

export interface OpenIntake {
  readonly intake: CommandIntake;
  /** Lets what is under way settle. */
  stop(): Promise<void>;
}

/**
 * Opens the way of commands from this process to the brokers, with its metrics. It comes up by itself, and again after
 * a cut; the process is ready while it is open. A database that is away closes nothing here: orders are taken all the same.
 */
export function openIntake(edge: Edge, { brokers, login, branchId, reads, anyGroup }: IntakeSettings): OpenIntake {
  const { log, health, metrics, stopping, config } = edge;
  const connection = new BrokerConnection({
    access: { brokers: [...brokers], ...login },
    name: `${config.name} commands`,
    log,
  });
  const groupOf = (key: string) => reads.groupOf(key) ?? anyGroup;
  const publisher = new CommandPublisher({ connection, groupOf, onConfirmed: confirmMetrics(metrics.registry), log });
  registerBrokerMetrics(metrics.registry, { connections: [connection], publisher });
  health.indicator('broker', () => publisher.obstacle);
  connection.start();
  publisher.start();
  return {
    intake: new CommandIntake({ publisher, sentBy: config.name, branchId, reads, stopping }),
    async stop() {
      await publisher.stop();
      await connection.stop();
    },
  };
}
