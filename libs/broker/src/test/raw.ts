import { connect, type Channel, type ChannelModel } from 'amqplib';
import type { BrokerAccess } from '../connection.js';

/** A plain connection, for what this library does not do. Its loss is no error of the test. */
export async function rawConnection({ brokers: [broker], vhost, user, password }: BrokerAccess): Promise<ChannelModel> {
  const model = await connect({
    hostname: broker?.host ?? '',
    port: broker?.port ?? 0,
    vhost: vhost ?? '',
    username: user,
    password,
  });
  model.on('error', () => undefined);
  return model;
}

/** Undefined: the broker allowed it. Otherwise its error text. */
export async function refusal(
  access: BrokerAccess,
  action: (channel: Channel) => Promise<unknown>,
): Promise<string | undefined> {
  const model = await rawConnection(access);
  const channel = await model.createChannel();
  const closedByBroker = new Promise<string>((resolve) => channel.on('error', (error) => resolve(error.message)));
  try {
    await action(channel);
    // The response to this arrives after the broker's verdict on everything published before.
    await channel.prefetch(1);
    return undefined;
  } catch {
    return await closedByBroker;
  } finally {
    await model.close();
  }
}
