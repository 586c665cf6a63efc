import type { ConsumeMessage } from 'amqplib';

/** A message that was taken from a command queue and waits to be acknowledged. */
export interface Delivery {
  queue: string;
  /** What lay in it: read as JSON, or as it came where it is no JSON. Nothing more is known of it than that. */
  content: { type: 'json'; value: unknown } | { type: 'unreadable'; raw: Buffer; error: string };
  /** Commands that it seems to hold, at least 1; of one that was put back, those that are left. */
  commandCount: number;
  /** True: it was delivered before, to anybody. */
  redelivered: boolean;
  /** Deliveries before this one, as counted by the queue. */
  deliveryCount: number;
  /** Where its askers wait. */
  replyTo: string | undefined;
  /** Broker user that published it, vouched for by the broker; undefined: not told. */
  userId: string | undefined;
  receipt: Receipt;
}

/** Where it came from: a tag means something only on the channel that delivered it. */
export interface Receipt {
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

/** Strict: bytes that are no UTF-8 are unreadable, not replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function countCommands(value: unknown): number {
  const commands = (value as { commands?: unknown } | null)?.commands;
  return Array.isArray(commands) ? Math.max(1, commands.length) : 1;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
