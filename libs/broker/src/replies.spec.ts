import { BROKER_MESSAGE_BYTES_MAX, type ReplyMessage } from '@eco/contracts';
import { replyContents, replyMessages, type ReplyTo } from './replies.js';

const reply = { type: 'key-conflict' as const, commandId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e' };
const to = (address: string, stamp: string): ReplyTo => ({ address, stamp, reply });

describe('replyContents', () => {
  const messageOf = (count: number, bytes: number): ReplyMessage => ({
    version: 1,
    position: 'g1=1.x.2',
    replies: Array.from({ length: count }, (_, index) => ({
      stamp: String(index),
      reply: { type: 'dead-letter', commandId: reply.commandId, reason: 'x'.repeat(bytes) },
    })),
  });

  it.each([
    [3, 1000, 1],
    [1000, 300, 2],
    [4, 150_000, 4],
    [1, 300_000, 1],
  ])('splits %i replies of %i bytes into %i messages within the limit of the broker', (count, bytes, messages) => {
    const contents = replyContents(messageOf(count, bytes));
    expect(contents).toHaveLength(messages);
    if (count > 1) for (const content of contents) expect(content.length).toBeLessThanOrEqual(BROKER_MESSAGE_BYTES_MAX);
    const sent = contents.flatMap((content) => (JSON.parse(content.toString()) as ReplyMessage).replies);
    expect(sent).toEqual(messageOf(count, bytes).replies);
  });
});

describe('replyMessages', () => {
  it('makes one message for each caller, with its replies in order', () => {
    const a = 'amq.rabbitmq.reply-to.g2dkABByYWJiaXRA.a==';
    const b = 'amq.rabbitmq.reply-to.g2dkABByYWJiaXRA.b==';
    expect(replyMessages([to(a, '1'), to(b, '2'), to(a, '3')], 'g1=1.x.2')).toEqual(
      new Map([
        [
          a,
          {
            version: 1,
            position: 'g1=1.x.2',
            replies: [
              { stamp: '1', reply },
              { stamp: '3', reply },
            ],
          },
        ],
        [b, { version: 1, position: 'g1=1.x.2', replies: [{ stamp: '2', reply }] }],
      ]),
    );
  });

  // ASVS 5.0: 1.3.6
  it.each(['orders.g1', 'amq.rabbitmq.reply-to', '', 'x amq.rabbitmq.reply-to.y'])(
    'sends nothing to %j, which is no reply address',
    (address) => {
      expect(replyMessages([to(address, '1')], 'g1=1.x.2').size).toBe(0);
    },
  );
});
