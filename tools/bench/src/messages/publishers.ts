import { randomBytes } from 'node:crypto';
import { sleep } from '@eco/base';
import { BrokerConnection, commandQueue, COMMANDS_EXCHANGE, CommandPublisher, type BrokerAccess } from '@eco/broker';
import { newOrderId } from '@eco/routing';
import { commandOf } from '@eco/testing';
import type { Compared } from '../baseline.js';

/** Orders confirmed by a majority of the brokers, of one process. */
export interface Published {
  readonly side: Compared;
  /** Number of concurrent orders. */
  readonly callers: number;
  readonly perSecond: number;
  readonly failed: number;
}

export interface PublishSpec {
  readonly access: BrokerAccess;
  readonly callers: number;
  readonly seconds: number;
}

/** Our publisher. Orders that are published while a confirm is outstanding go out as one message. */
export async function measureOurs({ access, callers, seconds }: PublishSpec): Promise<Published> {
  const connection = new BrokerConnection({ access, name: 'bench publisher' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 10_000 });
  connection.start();
  publisher.start();
  try {
    await until(() => publisher.obstacle === undefined);
    const publish = async () => (await publisher.publish(order())).type === 'confirmed';
    return { side: 'ours', callers, ...(await closedLoop(publish, callers, seconds)) };
  } finally {
    await publisher.stop();
    await connection.stop();
  }
}

/** A plain amqplib channel with confirms and one order per message, as mandatory and persistent as ours. */
export async function measureBare({ access, callers, seconds }: PublishSpec): Promise<Published> {
  const connection = new BrokerConnection({ access, name: 'bench bare' });
  connection.start();
  try {
    const model = await until(() => connection.model);
    const channel = await model.createConfirmChannel();
    const options = { persistent: true, mandatory: true, contentType: 'application/json' };
    const publish = () =>
      new Promise<boolean>((resolve) => {
        const content = Buffer.from(JSON.stringify({ version: 1, commands: [order()] }));
        channel.publish(COMMANDS_EXCHANGE, commandQueue('orders', 'g1'), content, options, (error) => resolve(!error));
      });
    return { side: 'bare', callers, ...(await closedLoop(publish, callers, seconds)) };
  } finally {
    await connection.stop();
  }
}

async function closedLoop(publish: () => Promise<boolean>, callers: number, seconds: number) {
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  let confirmed = 0;
  let failed = 0;
  const caller = async () => {
    while (performance.now() < endMs) {
      if (await publish()) confirmed += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { perSecond: confirmed / ((performance.now() - startedMs) / 1000), failed };
}

let customers = 0;
function order() {
  const customerId = `bench-customer-${(customers += 1) % 5000}`;
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  const lines = [
    { productId: 'bench-1', quantity: 1 },
    { productId: 'bench-2', quantity: 2 },
  ];
  return commandOf('order.place', { orderId, customerId, branchId: null, lines });
}

const CONNECT_MS = 30_000;

async function until<T>(look: () => T | false | undefined): Promise<T> {
  const endMs = performance.now() + CONNECT_MS;
  for (;;) {
    const seen = look();
    if (seen !== false && seen !== undefined) return seen;
    if (performance.now() > endMs) throw new Error('no connection to a broker');
    await sleep(20);
  }
}
