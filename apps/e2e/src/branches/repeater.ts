import { sleep } from '@eco/base';
import { BrokerConnection, COMMANDS_EXCHANGE } from '@eco/broker';
import { brokerAddresses, readRun } from '@eco/cluster';
import { branchUser, type BrokerUser } from '@eco/contracts';
import { eventually } from '@eco/testing';
import type { BranchSystem } from './branch-system.js';

/** Marks a repeated command, which is not repeated again. */
const REPEATED = 'repeater';
const LATE_MS = 3_000;

/**
 * Delivers every command of the branches a second time until the signal: up to seconds later, in another order. Returns
 * how many.
 */
export async function repeatCommands(
  { cluster, branches }: BranchSystem,
  random: () => number,
  signal: AbortSignal,
): Promise<number> {
  const layout = readRun(cluster.dataDir)?.layout;
  if (layout === undefined) throw new Error('the cluster has no run file');
  const connections: BrokerConnection[] = [];
  const channelOf = async (user: BrokerUser) => {
    const access = { brokers: brokerAddresses(layout), ...cluster.system.brokerLogin(user) };
    const connection = new BrokerConnection({ access, name: 'repeater' });
    connections.push(connection);
    connection.start();
    const model = await eventually(`${user} is connected`, () => connection.model);
    return model.createConfirmChannel();
  };
  const sent: Promise<void>[] = [];
  try {
    const copies = await channelOf('topology');
    for (const { branchId } of branches) {
      // The broker accepts a sender's name only from the sender.
      const channel = await channelOf(branchUser(branchId));
      const repeat = async (content: Buffer, routingKey: string, properties: object) => {
        await sleep(random() * LATE_MS, signal);
        await new Promise<void>((resolve, reject) =>
          channel.publish(
            COMMANDS_EXCHANGE,
            routingKey,
            content,
            { ...properties, appId: REPEATED, persistent: true },
            (error: unknown) => (error instanceof Error ? reject(error) : resolve()),
          ),
        );
      };
      const { queue } = await copies.assertQueue('', { exclusive: true });
      await copies.bindQueue(queue, COMMANDS_EXCHANGE, `*.*.${branchId}`);
      await copies.consume(
        queue,
        (message) => {
          if (message === null || message.properties.appId === REPEATED || signal.aborted) return;
          sent.push(repeat(message.content, message.fields.routingKey, message.properties));
        },
        { noAck: true },
      );
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all(sent);
  } finally {
    await Promise.all(connections.map((connection) => connection.stop()));
  }
  return sent.length;
}
