import type { ConsumeMessage } from 'amqplib';
import { parseMessage } from './parse-message.js';

/** A message taken from a command queue that must still be acknowledged. */
export interface Delivery {
  queue: string;
  /**
   * The content: parsed JSON, or raw bytes if it is no JSON or too long. Nothing else is checked. `unread`: it was not
   * parsed yet, see `readContent`.
   */
  content:
    | { type: 'json'; value: unknown }
    | { type: 'unreadable'; raw: Buffer; error: string }
    | { type: 'unread'; raw: Buffer };
  /**
   * Number of unsettled commands in it. At first this is the apparent number, at least 1; the consumer then counts
   * down.
   */
  commandCount: number;
  /** True: the message was delivered before, to this consumer or another one. */
  redelivered: boolean;
  /** Deliveries before this one, as counted by the queue. */
  deliveryCount: number;
  /** Reply address of the waiting callers. */
  replyTo: string | undefined;
  /** Broker user that published it, as validated by the broker; undefined: not stated. */
  userId: string | undefined;
  receipt: Receipt;
}

/** Identifies the channel: a tag is valid only on the channel that delivered it. */
interface Receipt {
  readonly channel: object;
  readonly tag: number;
}

/**
 * A message that was delivered this often before stays unread until `readContent`: it may have ended the processes that
 * parsed it.
 */
const UNREAD_DELIVERIES = 2;

export function readDelivery(queue: string, channel: object, message: ConsumeMessage): Delivery {
  const { fields, properties } = message;
  const counted: unknown = properties.headers?.['x-delivery-count'];
  const deliveryCount = typeof counted === 'number' ? counted : fields.redelivered ? 1 : 0;
  const delivery: Delivery = {
    queue,
    content: { type: 'unread', raw: message.content },
    commandCount: 1,
    redelivered: fields.redelivered,
    deliveryCount,
    replyTo: text(properties.replyTo),
    userId: text(properties.userId),
    receipt: { channel, tag: fields.deliveryTag },
  };
  if (deliveryCount < UNREAD_DELIVERIES) readContent(delivery);
  return delivery;
}

/** Parses the content of an unread delivery, and counts its commands. */
export function readContent(delivery: Delivery): void {
  const { content } = delivery;
  if (content.type !== 'unread') return;
  const { raw } = content;
  try {
    const value = parseMessage(raw);
    delivery.content = { type: 'json', value };
    delivery.commandCount = countCommands(value);
  } catch (error) {
    delivery.content = { type: 'unreadable', raw, error: (error as Error).message };
  }
}

function countCommands(value: unknown): number {
  const commands = (value as { commands?: unknown } | null)?.commands;
  return Array.isArray(commands) ? Math.max(1, commands.length) : 1;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
