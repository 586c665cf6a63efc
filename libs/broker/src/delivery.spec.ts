import type { ConsumeMessage } from 'amqplib';
import { BROKER_MESSAGE_BYTES_MAX } from '@eco/contracts';
import { readContent, readDelivery } from './delivery.js';

function read(content: Buffer | string, { redelivered = false, properties = {} } = {}) {
  const message = {
    content: Buffer.from(content),
    fields: { deliveryTag: 7, redelivered },
    properties,
  } as unknown as ConsumeMessage;
  return readDelivery('orders.g1', {}, message);
}

describe('readDelivery', () => {
  it('reads JSON and counts its commands', () => {
    expect(read('{"version":1,"commands":[{},{},{}]}')).toMatchObject({
      queue: 'orders.g1',
      content: { type: 'json', value: { version: 1, commands: [{}, {}, {}] } },
      commandCount: 3,
      receipt: { tag: 7 },
    });
  });

  it.each(['null', '1', '"text"', '[]', '{}', '{"commands":[]}', '{"commands":"many"}'])(
    'counts %s as one command',
    (content) => {
      expect(read(content).commandCount).toBe(1);
    },
  );

  it.each([
    ['no JSON', Buffer.from('{"version":1,')],
    ['nothing', Buffer.alloc(0)],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['a byte order mark', Buffer.from('\u{feff}{}')],
  ])('keeps %s unchanged, and states why', (_, content) => {
    const delivery = read(content);
    expect(delivery.content).toMatchObject({ type: 'unreadable', raw: content });
    expect((delivery.content as { error: string }).error).not.toBe('');
    expect(delivery.commandCount).toBe(1);
  });

  it('does not parse content above the limit', () => {
    const padded = (length: number) => read('{"version":1,"commands":[{},{}]}'.padEnd(length));
    expect(padded(BROKER_MESSAGE_BYTES_MAX)).toMatchObject({ content: { type: 'json' }, commandCount: 2 });
    expect(padded(BROKER_MESSAGE_BYTES_MAX + 1)).toMatchObject({
      content: { type: 'unreadable', error: expect.stringContaining('262145 bytes') as string },
      commandCount: 1,
    });
  });

  it('does not parse the content of the third delivery until it is read', () => {
    const delivered = (count: number, content: string) =>
      read(content, { redelivered: true, properties: { headers: { 'x-delivery-count': count } } });
    expect(delivered(1, '{}').content.type).toBe('json');
    const good = delivered(2, '{"commands":[{},{}]}');
    const bad = delivered(2, '{');
    expect(good).toMatchObject({ content: { type: 'unread' }, commandCount: 1 });
    for (const each of [good, bad]) readContent(each);
    expect(good).toMatchObject({ content: { type: 'json' }, commandCount: 2 });
    expect(bad).toMatchObject({ content: { type: 'unreadable' }, commandCount: 1 });
  });

  it('reports the number of earlier deliveries', () => {
    expect(read('{}')).toMatchObject({ redelivered: false, deliveryCount: 0 });
    expect(read('{}', { redelivered: true })).toMatchObject({ redelivered: true, deliveryCount: 1 });
    expect(read('{}', { redelivered: true, properties: { headers: { 'x-delivery-count': 4 } } }).deliveryCount).toBe(4);
  });

  it('reports sender and reply address', () => {
    expect(read('{}', { properties: { replyTo: 'amq.rabbitmq.reply-to.x', userId: 'central' } })).toMatchObject({
      replyTo: 'amq.rabbitmq.reply-to.x',
      userId: 'central',
    });
    expect(read('{}')).toMatchObject({ replyTo: undefined, userId: undefined });
  });
});
