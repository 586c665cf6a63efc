import type { Address, Login } from '@eco/base';
import { BrokerConnection, COMMANDS_EXCHANGE } from '@eco/broker';
import { eventually } from './eventually.js';

/**
 * Publishes a message as it is, without the checks of a publisher, and waits until a queue has it. Throws if no queue
 * takes it. `isSigned` false: the message lacks the sender's name, which every service sets.
 */
export async function publishRaw(
  { brokers, ...login }: Login & { brokers: readonly Address[] },
  routingKey: string,
  content: Buffer | string,
  { isSigned = true }: { isSigned?: boolean } = {},
): Promise<void> {
  const connection = new BrokerConnection({ access: { brokers: [...brokers], ...login }, name: 'raw message' });
  connection.start();
  try {
    const model = await eventually('a connection', () => connection.model);
    const channel = await model.createConfirmChannel();
    let isReturned = false;
    channel.on('return', () => (isReturned = true));
    const options = { persistent: true, mandatory: true, ...(isSigned && { userId: login.user }) };
    channel.publish(COMMANDS_EXCHANGE, routingKey, Buffer.from(content), options);
    await channel.waitForConfirms();
    if (isReturned) throw new Error(`no queue takes ${routingKey}`);
    await channel.close();
  } finally {
    await connection.stop();
  }
}
