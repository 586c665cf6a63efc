import type { Reply, ReplyMessage, Stamp } from '@eco/contracts';
import { BestEffortChannel } from './best-effort-channel.js';
import type { BrokerConnection } from './connection.js';
import type { Log } from '@eco/base';

/** The reply to one command. */
export interface ReplyTo {
  /** `replyTo` of the command's delivery. */
  address: string;
  /** Stamp of the command. */
  stamp: Stamp;
  reply: Reply;
}

/**
 * The default exchange leads to any queue by name, and the address comes from outside. So only direct reply addresses
 * pass.
 */
const DIRECT_REPLY = /^amq\.rabbitmq\.reply-to\.[^\s]+$/;
const DEFAULT_EXCHANGE = '';

/** Sends outcomes to waiting callers, best effort: one message per calling process and batch. */
export class ReplySender {
  /** The caller starts and stops it. */
  readonly channel: BestEffortChannel;

  /** `connection`: must carry no acknowledgements. */
  constructor({ connection, log }: { connection: BrokerConnection; log?: Log }) {
    this.channel = new BestEffortChannel({ connection, name: 'replies', ...(log ? { log } : {}) });
  }

  /** `position`: of the batch that decided the commands. Returns at once. */
  send(replies: ReplyTo[], position: string): void {
    for (const [address, message] of replyMessages(replies, position)) {
      this.channel.send(DEFAULT_EXCHANGE, address, message);
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
