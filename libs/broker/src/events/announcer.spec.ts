import { BROKER_MESSAGE_BYTES_MAX, MAX_MESSAGE_BYTES, type ChangeEvent } from '@eco/contracts';
import { eventContent } from './announcer.js';
import { readAnnouncement } from './subscription.js';

const event = (changes: number): ChangeEvent => ({
  version: 1,
  group: 'g1',
  term: 1,
  tag: 'a',
  topic: 'orders',
  seq: 7,
  previousSeq: 5,
  changes: Array.from({ length: changes }, (_, n) => ({
    type: 'order.rejected',
    seq: 7,
    n,
    commandId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
    at: '2026-11-24T12:00:00.000Z',
    data: {},
  })),
});

describe('eventContent', () => {
  it('carries the changes', () => {
    expect(readAnnouncement(eventContent(event(3)))).toEqual({ type: 'event', event: event(3) });
  });

  it('omits the changes when the message would be large', () => {
    const content = eventContent(event(1000));
    expect(content.length).toBeLessThan(MAX_MESSAGE_BYTES);
    const { changes, ...announcement } = event(1000);
    expect(changes).toHaveLength(1000);
    expect(readAnnouncement(content)).toEqual({ type: 'event', event: announcement });
  });
});

describe('readAnnouncement', () => {
  it('distinguishes a heartbeat from an event', () => {
    const heartbeat = { version: 1, group: 'g1', term: 1, tag: 'a', seq: 7, lastSeqs: { orders: 7 } };
    expect(readAnnouncement(Buffer.from(JSON.stringify(heartbeat)))).toEqual({ type: 'heartbeat', heartbeat });
  });

  it('ignores unknown fields of a newer writer, and accepts its unknown topics and types of change', () => {
    const [change] = event(1).changes ?? [];
    const known = { ...event(0), changes: [change, { ...change, type: 'order.split' }] };
    const newer = { ...known, changes: known.changes.map((each) => ({ ...each, by: 'v2' })), by: 'v2' };
    expect(readAnnouncement(Buffer.from(JSON.stringify(newer)))).toEqual({ type: 'event', event: known });

    const heartbeat = { version: 1, group: 'g1', term: 1, tag: 'a', seq: 7, lastSeqs: { orders: 7, loyalty: 6 } };
    const { lastSeqs } = heartbeat;
    expect(readAnnouncement(Buffer.from(JSON.stringify({ ...heartbeat, lastSeqs, load: 0.5 })))).toEqual({
      type: 'heartbeat',
      heartbeat,
    });
  });

  it.each(['', 'no json', 'null', '{}', '{"version":2}'])('reads %j as neither an event nor a heartbeat', (text) => {
    expect(readAnnouncement(Buffer.from(text))).toBeUndefined();
  });

  it('does not read an event above the limit', () => {
    const text = JSON.stringify(event(0));
    const padded = (length: number) => Buffer.from(text.padEnd(length));
    expect(readAnnouncement(padded(BROKER_MESSAGE_BYTES_MAX))).toBeDefined();
    expect(readAnnouncement(padded(BROKER_MESSAGE_BYTES_MAX + 1))).toBeUndefined();
  });
});
