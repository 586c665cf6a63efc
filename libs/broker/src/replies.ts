import type { Reply, ReplyMessage, Stamp } from '@eco/contracts';
import { BestEffortChannel } from './best-effort-channel.js';
import type { BrokerConnection } from './connection.js';
import type { Log } from './log.js';

/** The answer to one command. */
export interface ReplyTo {
  /** `replyTo` of the delivery that the command came in. */
  address: string;
  /** Stamp of the command. */
  stamp: Stamp;
  reply: Reply;
}

/** The default exchange leads to any queue by its name, and an address comes from outside: only direct replies pass. */
const DIRECT_REPLY = /^amq\.rabbitmq\.reply-to\.[^\s]+$/;
const DEFAULT_EXCHANGE = '';

/** Tells askers what was decided, best effort: one message per asker's process and batch. */
export class ReplySender {
  readonly #channel: BestEffortChannel;

  /** `connection`: one that nothing is acknowledged over. */
  constructor({ connection, log }: { connection: BrokerConnection; log?: Log }) {
    this.#channel = new BestEffortChannel({ connection, name: 'replies', ...(log ? { log } : {}) });
  }

  get counts() {
    return this.#channel.counts;
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  start(): void {
    this.#channel.start();
  }

  async stop(): Promise<void> {
    await this.#channel.stop();
  }

  /** `position`: of the batch that decided them. Returns at once. */
  send(replies: ReplyTo[], position: string): void {
    for (const [address, message] of replyMessages(replies, position)) {
      this.#channel.send(DEFAULT_EXCHANGE, address, message);
    }
  }
}

export function replyMessages(replies: ReplyTo[], position: string): Map<string, ReplyMessage> {
  const messages = new Map<string, ReplyMessage>();
  for (const { address, stamp, reply } of replies) {
    if (!DIRECT_REPLY.test(address)) continue;
    let message = messages.get(address);
    if (!message) messages.set(address, (message = { version: 1, position, replies: [] }));
    message.replies.push({ stamp, reply });
  }
  return messages;
}
