import type { ConsumeMessage } from 'amqplib';

/** A message taken from a command queue that must still be acknowledged. */
export interface Delivery {
  queue: string;
  /** The content: parsed JSON, or raw bytes if it is no JSON. Nothing else is checked. */
  content: { type: 'json'; value: unknown } | { type: 'unreadable'; raw: Buffer; error: string };
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

export function readDelivery(queue: string, channel: object, message: ConsumeMessage): Delivery {
  const { fields, properties } = message;
  const content = readContent(message.content);
  const deliveryCount: unknown = properties.headers?.['x-delivery-count'];
  return {
    queue,
    content,
    commandCount: content.type === 'json' ? countCommands(content.value) : 1,
    redelivered: fields.redelivered,
    deliveryCount: typeof deliveryCount === 'number' ? deliveryCount : fields.redelivered ? 1 : 0,
    replyTo: text(properties.replyTo),
    userId: text(properties.userId),
    receipt: { channel, tag: fields.deliveryTag },
  };
}

function readContent(raw: Buffer): Delivery['content'] {
  try {
    return { type: 'json', value: JSON.parse(utf8.decode(raw)) };
  } catch (error) {
    return { type: 'unreadable', raw, error: (error as Error).message };
  }
}

/** A strict decoder: invalid UTF-8 makes the content unreadable, and no bytes are replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function countCommands(value: unknown): number {
  const commands = (value as { commands?: unknown } | null)?.commands;
  return Array.isArray(commands) ? Math.max(1, commands.length) : 1;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
