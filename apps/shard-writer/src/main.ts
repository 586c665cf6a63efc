import {
  BrokerConnection,
  CommandConsumer,
  EventAnnouncer,
  registerChannelMetrics,
  registerConnectionMetrics,
  registerConsumerMetrics,
  ReplySender,
  type BrokerAccess,
} from '@eco/broker';
import { createFrame, runProcess, startService, type Service } from '@eco/service';
import { Leadership, PrimaryWatch, SessionGuard } from '@eco/writer';
import { Module } from '@nestjs/common';
import { readWriterConfig } from './config.js';
import { WriterMetrics } from './metrics.js';
import { Writer } from './writer.js';

/** The writer has no API of its own; libs/service serves health and metrics. */
@Module({})
class ShardWriterModule {}

async function start(): Promise<Service> {
  const config = readWriterConfig(process.env);
  const frame = createFrame(config);
  const { log, health, metrics } = frame;

  const access: BrokerAccess = { brokers: [...config.brokers], ...config.secrets.amqp };
  // Two connections: an alarm that blocks publishing must not block acknowledgements.
  const taking = new BrokerConnection({ access, name: `${config.name} takes`, log });
  const publishing = new BrokerConnection({ access, name: `${config.name} publishes`, log });
  const consumer = new CommandConsumer({ connection: taking, group: config.group, log });
  const replies = new ReplySender({ connection: publishing, log });
  const announcer = new EventAnnouncer({ connection: publishing, log });
  registerConnectionMetrics(metrics.registry, [taking, publishing]);
  registerConsumerMetrics(metrics.registry, consumer);
  registerChannelMetrics(metrics.registry, { announcer, replies });

  const writerMetrics = new WriterMetrics(metrics.registry);
  const { batchLimit, nodes, keepDays, keepContentDays } = config;
  const retention = { keepMs: keepDays * 86_400_000, contentMs: keepContentDays * 86_400_000 };
  const writer = new Writer({
    consumer,
    replies,
    announcer,
    metrics: writerMetrics,
    log,
    tracer: frame.tracing,
    batchLimit,
    retention,
  });
  const login = { user: 'eco_writer', password: config.secrets.database.eco_writer };
  const leadership = new Leadership({ writer, nodes, login, log });
  writerMetrics.observeLeadership(config.group, leadership, writer);
  const primaryWatch = new PrimaryWatch({
    primary: () => leadership.knownPrimary,
    absentMsMax: config.replicaAbsentS * 1000,
    log,
  });
  writerMetrics.observePrimary(primaryWatch);
  const sessionGuard = new SessionGuard({ nodes: () => leadership.connections, log });
  writerMetrics.observeSessions(sessionGuard);

  health.fact('role', () => leadership.role);
  health.indicator('database', () => leadership.obstacle);
  health.indicator('broker', () => {
    if (leadership.role === 'active') return consumer.obstacle;
    return taking.model === undefined ? 'not connected to a broker' : undefined;
  });

  const parts = [taking, publishing, replies.channel, announcer.channel, leadership, primaryWatch, sessionGuard];
  // The leadership ends as soon as the process begins to stop, so that the standby can take the lock while the last
  // requests are answered.
  frame.stopping.addEventListener('abort', () => void leadership.stop());
  const service = await startService(frame, {
    module: ShardWriterModule,
    close: [
      () => primaryWatch.stop(),
      () => sessionGuard.stop(),
      () => leadership.stop(),
      () => replies.channel.stop(),
      () => announcer.channel.stop(),
      () => taking.stop(),
      () => publishing.stop(),
    ],
  });
  for (const part of parts) part.start();
  return service;
}

void runProcess(start).then((code) => process.exit(code));
