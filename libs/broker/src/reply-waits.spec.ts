import { BROKER_MESSAGE_BYTES_MAX, type ReplyMessage } from '@eco/contracts';
import { ReplyWaits } from './reply-waits.js';

const commandId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const stamp = (counter: number) => `001795521600000-${String(counter).padStart(5, '0')}-test`;
const reply = { type: 'key-conflict' as const, commandId };

function content(...counters: number[]): Buffer {
  const message: ReplyMessage = {
    version: 1,
    position: 'g1=1.a.7',
    replies: counters.map((counter) => ({ stamp: stamp(counter), reply })),
  };
  return Buffer.from(JSON.stringify(message));
}

describe('ReplyWaits', () => {
  let waits: ReplyWaits;
  beforeEach(() => {
    waits = new ReplyWaits(3);
  });
  afterEach(() => waits.forgetAll());

  it('gives each caller the reply to its own sending, and the position', async () => {
    const first = waits.add(stamp(1), 60_000);
    const second = waits.add(stamp(2), 60_000);
    waits.deliver(content(2));
    expect(await second).toEqual({ reply, position: 'g1=1.a.7' });
    expect(waits.count).toBe(1);
    waits.deliver(content(1, 9));
    expect(await first).toEqual({ reply, position: 'g1=1.a.7' });
    expect(waits).toMatchObject({ count: 0, received: 2, late: 1 });
  });

  it('delivers no reply of a message above the limit', () => {
    void waits.add(stamp(1), 60_000);
    const padded = (length: number) => Buffer.from(content(1).toString().padEnd(length));
    expect(() => waits.deliver(padded(BROKER_MESSAGE_BYTES_MAX + 1))).toThrow(/has 262145 bytes/);
    expect(waits).toMatchObject({ count: 1, received: 0 });
    waits.deliver(padded(BROKER_MESSAGE_BYTES_MAX));
    expect(waits).toMatchObject({ count: 0, received: 1 });
  });

  it('ignores unknown fields of a newer writer, and counts its unknown reply as none', async () => {
    const waiting = [1, 2, 3].map((counter) => waits.add(stamp(counter), 60_000));
    const outcome = { type: 'outcome', commandId, status: 'done', repeated: false, result: { hint: 'new' } };
    const replies = [
      { stamp: stamp(1), reply: { ...outcome, since: 'v2' }, since: 'v2' },
      { stamp: stamp(2), reply: { ...outcome, status: 'pending' } },
      { stamp: stamp(3), reply: { type: 'moved', commandId } },
    ];
    waits.deliver(Buffer.from(JSON.stringify({ version: 1, position: 'g1=1.a.7', replies, since: 'v2' })));
    expect(await Promise.all(waiting)).toEqual([{ reply: outcome, position: 'g1=1.a.7' }, undefined, undefined]);
  });

  it('ends without a reply at the deadline, and keeps nothing', async () => {
    expect(await waits.add(stamp(1), 5)).toBeUndefined();
    expect(waits.count).toBe(0);
    waits.deliver(content(1));
    expect(waits).toMatchObject({ received: 0, late: 1 });
  });

  it('accepts no more waits than its limit', async () => {
    const kept = [1, 2, 3].map((counter) => waits.add(stamp(counter), 60_000));
    expect(await waits.add(stamp(4), 60_000)).toBeUndefined();
    expect(waits.count).toBe(3);
    waits.forgetAll();
    expect(await Promise.all(kept)).toEqual([undefined, undefined, undefined]);
  });

  it('closes the earlier wait when a stamp is added again', async () => {
    const earlier = waits.add(stamp(1), 60_000);
    const later = waits.add(stamp(1), 60_000);
    expect(await earlier).toBeUndefined();
    waits.deliver(content(1));
    expect(await later).toBeDefined();
  });

  it.each(['', 'no json', '{}', '{"version":2,"position":"x","replies":[]}'])('throws at %j', (text) => {
    expect(() => waits.deliver(Buffer.from(text))).toThrow();
  });
});
