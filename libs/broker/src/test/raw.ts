import { connect, type Channel, type ChannelModel } from 'amqplib';
import { presentPasswords } from '@eco/base';
import type { BrokerAccess } from '../connection.js';

/** A plain connection, for actions that this library does not offer. The test does not fail when it is lost. */
export async function rawConnection({ brokers: [broker], vhost, user, password }: BrokerAccess): Promise<ChannelModel> {
  const model = await connect({
    hostname: broker?.host ?? '',
    port: broker?.port ?? 0,
    vhost: vhost ?? '',
    username: user,
    password: presentPasswords(password)[0] ?? '',
  });
  model.on('error', () => undefined);
  return model;
}

/** The broker's error text for this action on a new channel; undefined if the broker allowed it. */
export async function refusal(
  model: ChannelModel,
  action: (channel: Channel) => Promise<unknown>,
): Promise<string | undefined> {
  const channel = await model.createChannel();
  const closedByBroker = new Promise<string>((resolve) => channel.on('error', (error) => resolve(error.message)));
  try {
    await action(channel);
    // The broker responds to this request only after it has processed all earlier messages.
    await channel.prefetch(1);
    await channel.close();
    return undefined;
  } catch {
    return await closedByBroker;
  }
}
