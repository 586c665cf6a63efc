import { createSecretKey } from 'node:crypto';
import { sleep, within } from '@eco/base';
import { BrokerConnection, commandQueue, COMMANDS_EXCHANGE } from '@eco/broker';
import { orderIdFor } from '@eco/routing';
import { commandOf, type TestCluster } from '@eco/testing';
import { rowsOfOrder, type Planned } from './requests.js';

/*
 * Publishes raw messages directly to the brokers, without validation. Some are invalid, and in others a bad command is
 * next to a good one. The bad one must become one dead letter; the good one must be decided.
 */

/** A planned message: like `Planned`, but without a request. */
export type RawPlanned = Omit<Planned, 'method' | 'path' | 'body' | 'key' | 'decided'>;

export const DEAD_LETTER_ROW = 'dead letter';

/** The id key of an imaginary client. */
const ID_KEY = createSecretKey(Buffer.alloc(16));

const CONFIRM_MS = 5000;
const AGAIN_MS = 500;

export class RawPublisher {
  readonly #connection: BrokerConnection;
  #count = 0;
  readonly #run: string;
  readonly #below: (limit: number) => number;

  constructor(cluster: TestCluster, run: string, below: (limit: number) => number) {
    this.#run = run;
    this.#below = below;
    const brokers = cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort }));
    this.#connection = new BrokerConnection({
      access: { brokers, ...cluster.system.brokerLogin('central') },
      name: 'raw publisher',
    });
  }

  start(): void {
    this.#connection.start();
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  next(): { message: Buffer; requests: RawPlanned[] } {
    const number = (this.#count += 1);
    const token = badToken(this.#run, number);
    const bad: RawPlanned = { token, rows: [DEAD_LETTER_ROW] };
    const kind = this.#below(3);
    if (kind === 0) return { message: Buffer.from(`not JSON: ${token}`), requests: [bad] };
    if (kind === 1) return { message: Buffer.from(JSON.stringify({ version: 1, orders: [token] })), requests: [bad] };
    const good = this.#order(`${this.#run}-by-hand-${number}`);
    const worse = this.#order(`${this.#run}-by-hand-worse-${number}`).command;
    const commands = [{ ...worse, body: { ...worse.body, colour: token, lines: [] } }, good.command];
    return {
      message: Buffer.from(JSON.stringify({ version: 1, commands })),
      requests: [bad, { token: good.customerId, rows: good.rows, commandId: good.command.id }],
    };
  }

  /** Publishes the message until a broker has confirmed that a queue has it. False: `signal` aborted first. */
  async put(message: Buffer, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#publish(message).catch(() => false)) return true;
      await sleep(AGAIN_MS);
    }
    return false;
  }

  async #publish(message: Buffer): Promise<boolean> {
    const model = this.#connection.model;
    if (model === undefined || this.#connection.isBlocked) return false;
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    let isReturned = false;
    channel.on('return', () => (isReturned = true));
    try {
      const confirmed = new Promise<boolean>((resolve) => {
        const options = { persistent: true, mandatory: true, userId: 'central' };
        channel.publish(COMMANDS_EXCHANGE, commandQueue('orders', 'g1'), message, options, (error) => resolve(!error));
      });
      return (await within(CONFIRM_MS, confirmed, () => false)) && !isReturned;
    } finally {
      await channel.close().catch(() => undefined);
    }
  }

  #order(customerId: string) {
    const id = orderIdFor({ idKey: ID_KEY, customerId, idempotencyKey: customerId });
    const lines = [{ productId: `${this.#run}-product-0`, quantity: 1 }];
    const command = commandOf('order.place', { orderId: id, customerId, branchId: null, lines });
    return { customerId, command, rows: rowsOfOrder('order.place', lines) };
  }
}

const badToken = (run: string, number: number) => `bad-${run}-${number}-`;

/** The token in the text of a dead letter; undefined if the message was not one of these. */
export function badTokenIn(text: string): string | undefined {
  return /bad-f\d+-\d+-/.exec(text)?.[0];
}
