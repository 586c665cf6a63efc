import { BROKER_MESSAGE_BYTES_MAX, type Reply, type ReplyMessage, type Stamp } from '@eco/contracts';
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

/** Sends outcomes to waiting callers, best effort: one message per calling process and batch, or a few if it is large. */
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
      for (const content of replyContents(message)) this.channel.send(DEFAULT_EXCHANGE, address, content);
    }
  }
}

/** Halved until each part is within the broker's limit. The largest single reply has 200 lines, at most 150 kB. */
export function replyContents(message: ReplyMessage): Buffer[] {
  const content = Buffer.from(JSON.stringify(message));
  const { replies } = message;
  if (content.length <= BROKER_MESSAGE_BYTES_MAX || replies.length === 1) return [content];
  const middle = replies.length >> 1;
  return [replies.slice(0, middle), replies.slice(middle)].flatMap((part) =>
    replyContents({ ...message, replies: part }),
  );
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
