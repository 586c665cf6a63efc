import type { KeyObject } from 'node:crypto';
import type { Address, ChangingLogin } from '@eco/base';
import {
  BrokerConnection,
  CommandPublisher,
  confirmMetrics,
  registerConnectionMetrics,
  registerPublisherMetrics,
} from '@eco/broker';
import { CommandIntake } from './command-intake.js';
import type { IntakeFrame } from './frame.js';
import type { GroupKnowledge } from './group-knowledge.js';
import { LocalAcceptance, type JournalSettings, type OwnedOutbox } from './local-acceptance.js';

export interface IntakeSettings {
  readonly brokers: readonly Address[];
  /** Login of the broker user that may publish commands. */
  readonly login: ChangingLogin;
  /** Branch that this process serves; null: the head office. */
  readonly branchId: string | null;
  /** See `sharedIdKeyOf` of @eco/access. */
  readonly sharedIdKey: KeyObject;
  readonly reads: GroupKnowledge;
  /** Where orders and cart commands wait that the brokers do not confirm; absent: those are refused. */
  readonly journal?: JournalSettings | OwnedOutbox;
}

export interface OpenIntake {
  readonly intake: CommandIntake;
  /** Why the brokers are not reachable; undefined: they are. */
  readonly obstacle: () => string | undefined;
  /** Closes the path after the commands in flight have settled. */
  stop(): Promise<void>;
}

/**
 * Opens the path of commands from this process to the brokers, with its metrics. The path opens by itself, and again
 * after an interruption. The process is ready while the path is open or the journal has room. It needs no database:
 * orders are accepted without one. Throws a `StartError` if the journal is not available.
 */
export function openIntake(frame: IntakeFrame, settings: IntakeSettings): OpenIntake {
  const { brokers, login, branchId, sharedIdKey, reads, journal } = settings;
  const { log, health, metrics, stopping, config } = frame;
  const connection = new BrokerConnection({
    access: { brokers: [...brokers], ...login },
    name: `${config.name} commands`,
    log,
  });
  // With several groups the owner of a key is unknown until a database has been seen. The writer of another group could
  // only make the command a dead letter. Until then the command is kept here or refused.
  const [only, ...others] = reads.groupIds;
  const groupOf = (key: string) => reads.groupOf(key) ?? (others.length === 0 ? only : undefined);
  const publisher = new CommandPublisher({ connection, groupOf, onConfirmed: confirmMetrics(metrics.registry), log });
  registerConnectionMetrics(metrics.registry, [connection]);
  registerPublisherMetrics(metrics.registry, publisher);
  const local = journal && new LocalAcceptance(frame, publisher, journal);
  connection.start();
  publisher.start();
  if (local) local.start();
  else health.indicator('broker', () => publisher.obstacle);
  return {
    obstacle: () => publisher.obstacle,
    intake: new CommandIntake({
      publisher,
      sentBy: config.name,
      branchId,
      sharedIdKey,
      reads,
      tracer: frame.tracing,
      stopping,
      ...(local && { local }),
    }),
    async stop() {
      await Promise.all([local?.stop(), publisher.stop()]);
      await connection.stop();
      local?.close();
    },
  };
}
