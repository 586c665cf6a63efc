import { OutgoingQueue, type OutgoingCommand, type OutgoingMessage } from './outgoing-queue.js';
import type { PublishOutcome } from './publish-outcome.js';

interface Sent {
  command: OutgoingCommand;
  outcome: PublishOutcome | undefined;
}

function setUp() {
  const messages: OutgoingMessage[] = [];
  let channelIsOpen = true;
  const queue = new OutgoingQueue(
    'orders.g1',
    (_, message) => {
      if (channelIsOpen) messages.push(message);
      return channelIsOpen;
    },
    (waiting) => waiting.sendNext(),
  );
  const send = (text: string, wantsReply = false): Sent => {
    const sent: Sent = {
      outcome: undefined,
      command: {
        text,
        bytes: Buffer.byteLength(text),
        count: 1,
        wantsReply,
        settle: (outcome) => {
          sent.outcome ??= outcome;
        },
      },
    };
    queue.add(sent.command);
    queue.sendNext();
    return sent;
  };
  const contents = () => messages.map(({ content }) => JSON.parse(content.toString()) as unknown);
  const confirmNext = (thenMs = 20) => {
    const message = queue.underWay as OutgoingMessage;
    queue.finish(message, { type: 'confirmed' });
    queue.sendNext();
    jest.advanceTimersByTime(thenMs);
  };
  return { queue, messages, send, contents, confirmNext, closeChannel: () => (channelIsOpen = false) };
}

describe('OutgoingQueue', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('sends the first command at once and gathers the rest while it is in flight', () => {
    const { send, contents, confirmNext } = setUp();
    const sent = ['1', '2', '3'].map((text) => send(text));
    expect(contents()).toEqual([{ version: 1, commands: [1] }]);
    confirmNext();
    expect(contents()).toEqual([
      { version: 1, commands: [1] },
      { version: 1, commands: [2, 3] },
    ]);
    expect(sent.map(({ outcome }) => outcome?.type)).toEqual(['confirmed', undefined, undefined]);
    confirmNext();
    expect(sent.map(({ outcome }) => outcome?.type)).toEqual(['confirmed', 'confirmed', 'confirmed']);
  });

  it('asks for a reply if any of its commands does', () => {
    const { send, messages, confirmNext } = setUp();
    send('1');
    send('2', true);
    send('3');
    confirmNext();
    expect(messages.map(({ wantsReply }) => wantsReply)).toEqual([false, true]);
  });

  it('limits a message to 256 commands and 64 kB', () => {
    const { send, contents, confirmNext, messages } = setUp();
    send('0');
    for (let count = 0; count < 300; count += 1) send('1');
    confirmNext();
    expect((contents()[1] as { commands: unknown[] }).commands).toHaveLength(256);
    confirmNext();
    confirmNext();
    const large = JSON.stringify('x'.repeat(30_000));
    for (let count = 0; count < 5; count += 1) send(large);
    while (messages.at(-1)?.commands.some(({ text }) => text !== large)) confirmNext();
    for (const { content } of messages) expect(content.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('waits after a full message for the callers whose command was confirmed, until the next message is full', () => {
    const { send, messages, confirmNext } = setUp();
    const sizes = () => messages.map(({ commands }) => commands.length);
    for (let count = 0; count < 21; count += 1) send('1');
    confirmNext();
    jest.advanceTimersByTime(40);
    confirmNext(0);
    for (let count = 0; count < 20; count += 1) send('2');
    expect(sizes()).toEqual([1, 20]);
    jest.advanceTimersByTime(15);
    expect(sizes()).toEqual([1, 20, 20]);
    jest.advanceTimersByTime(40);
    confirmNext(0);
    for (let count = 0; count < 300; count += 1) send('3');
    expect(sizes()).toEqual([1, 20, 20, 256]);
    confirmNext();
    expect(sizes()).toEqual([1, 20, 20, 256, 44]);
  });

  it('distinguishes sent commands from unsent ones at the deadline', () => {
    const { queue, send, messages, confirmNext } = setUp();
    const [underWay, waiting] = [send('1'), send('2')];
    queue.expire(waiting.command);
    expect(waiting.outcome).toEqual({ type: 'full', reason: 'deadline' });
    expect(queue.underWay?.overdue).toBe(false);
    queue.expire(underWay.command);
    expect(underWay.outcome).toEqual({ type: 'unconfirmed', reason: 'deadline' });
    expect(queue.underWay?.overdue).toBe(true);
    confirmNext();
    expect(underWay.outcome?.type).toBe('unconfirmed');
    expect(queue.underWay).toBeUndefined();
    expect(messages).toHaveLength(1);
  });

  it('distinguishes sent commands from unsent ones when the channel is lost', () => {
    const { queue, send } = setUp();
    const [underWay, waiting] = [send('1'), send('2')];
    queue.abandon();
    expect(underWay.outcome).toEqual({ type: 'unconfirmed', reason: 'connection-lost' });
    expect(waiting.outcome).toEqual({ type: 'disconnected' });
    expect(queue.waitingCount).toBe(0);
  });

  it('can refuse waiting commands and keep the message in flight', () => {
    const { queue, send, confirmNext } = setUp();
    const [underWay, waiting] = [send('1'), send('2')];
    queue.refuseWaiting({ type: 'full', reason: 'blocked' });
    expect([underWay.outcome, waiting.outcome]).toEqual([undefined, { type: 'full', reason: 'blocked' }]);
    confirmNext();
    expect(underWay.outcome).toEqual({ type: 'confirmed' });
  });

  it('settles commands that the channel refuses at once', () => {
    const { queue, send, closeChannel } = setUp();
    closeChannel();
    expect(send('1').outcome).toEqual({ type: 'disconnected' });
    expect(queue.underWay).toBeUndefined();
  });
});
