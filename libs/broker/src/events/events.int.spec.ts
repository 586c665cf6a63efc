import type { ChannelModel } from 'amqplib';
import type { Heartbeat, ChangeEvent } from '@eco/contracts';
import { eventually } from '@eco/testing';
import { EventAnnouncer } from './announcer.js';
import { BrokerConnection } from '../connection.js';
import { EventSubscription, type Announcement, type EventSubscriptionOptions } from './subscription.js';
import { Proxy } from '../test/proxy.js';
import { rawConnection } from '../test/raw.js';
import { testBroker, type TestBroker } from '../test/test-broker.js';

let broker: TestBroker;
let proxy: Proxy;
const running: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  broker = await testBroker('events');
  proxy = new Proxy(broker.address);
  await proxy.mend();
});
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
  await proxy.cut();
  await broker.dispose();
});

const leadership = { version: 1, group: 'g1', term: 1, tag: 'a' } as const;
const heartbeat = (seq: number): Heartbeat => ({ ...leadership, seq, lastSeqs: { orders: seq } });
const event = (topic: ChangeEvent['topic'], seq: number): ChangeEvent => ({
  ...leadership,
  topic,
  seq,
  previousSeq: seq - 1,
});

async function startAnnouncer(): Promise<EventAnnouncer> {
  const connection = new BrokerConnection({ access: broker.access('writer.g1'), name: 'announcer' });
  const announcer = new EventAnnouncer({ connection });
  running.push(connection, announcer.channel);
  connection.start();
  announcer.channel.start();
  await eventually('an open announcer', () => announcer.channel.isOpen);
  return announcer;
}

/**
 * Options of a subscription that must receive every event. On a slow machine a subscription with shorter times is
 * renewed, and misses events.
 */
const PATIENT = { silenceMs: 10_000 };

/** Subscribes as `statistics` and gathers the received events. */
function startSubscription(options: Partial<EventSubscriptionOptions> = {}) {
  const received: Announcement[] = [];
  const subscription = new EventSubscription({
    access: broker.access('consumers', [proxy.address]),
    consumer: 'statistics',
    handler: (announcement) => void received.push(announcement),
    silenceMs: 500,
    ...options,
  });
  running.push(subscription);
  subscription.start();
  return { subscription, received: received };
}

/** Sends heartbeats until the subscription has received one that was sent since. */
async function receivesAgain(announcer: EventAnnouncer, received: Announcement[]): Promise<void> {
  const before = received.length;
  let seq = 1000;
  await eventually('a heartbeat is received', () => {
    announcer.heartbeat(heartbeat((seq += 1)));
    return received
      .slice(before)
      .some((announcement) => announcement.type === 'heartbeat' && announcement.heartbeat.seq >= 1000);
  });
}

async function raw<T>(action: (model: ChannelModel) => Promise<T>): Promise<T> {
  const model = await rawConnection(broker.administratorAccess());
  try {
    return await action(model);
  } finally {
    await model.close();
  }
}

interface Listed {
  name: string;
  client_properties: { connection_name?: string };
}

/** The queues of events. */
async function queues(): Promise<string[]> {
  const all = (await broker.manage('GET', `/api/queues/${broker.vhost}`)) as { name: string }[];
  return all.map(({ name }) => name).filter((name) => name.startsWith('events.'));
}

describe('EventAnnouncer and EventSubscription', () => {
  it('carry the topics of the consumer, and heartbeats, in order, one at a time', async () => {
    const announcer = await startAnnouncer();
    let busy = 0;
    let mostBusy = 0;
    const seen: Announcement[] = [];
    startSubscription({
      ...PATIENT,
      handler: async (announcement) => {
        busy += 1;
        mostBusy = Math.max(mostBusy, busy);
        await Promise.resolve();
        seen.push(announcement);
        busy -= 1;
      },
    });
    await receivesAgain(announcer, seen);
    for (let seq = 1; seq <= 100; seq += 1) {
      announcer.announce(event('orders', seq));
      announcer.announce(event('stock', seq));
    }
    announcer.announce(event('customers', 7));
    announcer.heartbeat(heartbeat(100));
    const received = () =>
      seen
        .map((each) =>
          each.type === 'event' ? `${each.event.topic} ${each.event.seq}` : `heartbeat ${each.heartbeat.seq}`,
        )
        .filter((each) => !/^heartbeat \d{4}$/.test(each));
    await eventually('the heartbeat', () => received().includes('heartbeat 100'));
    expect(received()).toEqual([
      ...Array.from({ length: 100 }, (_, index) => `orders ${index + 1}`),
      'customers 7',
      'heartbeat 100',
    ]);
    expect(mostBusy).toBe(1);
  });

  it('drop and count without waiting when there is no connection', async () => {
    const connection = new BrokerConnection({ access: broker.access('writer.g1', [proxy.address]), name: 'announcer' });
    const announcer = new EventAnnouncer({ connection });
    running.push(connection, announcer.channel);
    await proxy.cut();
    connection.start();
    announcer.channel.start();
    for (let seq = 0; seq < 1000; seq += 1) announcer.announce(event('orders', seq));
    expect(announcer.channel.counts).toEqual({ sent: 0, dropped: 1000 });
    await proxy.mend();
    await eventually('an open announcer', () => announcer.channel.isOpen);
    announcer.heartbeat(heartbeat(1));
    expect(announcer.channel.counts).toEqual({ sent: 1, dropped: 1000 });
  });

  it('drop messages instead of filling memory when the broker is stalled', async () => {
    const connection = new BrokerConnection({ access: broker.access('writer.g1', [proxy.address]), name: 'announcer' });
    const announcer = new EventAnnouncer({ connection });
    running.push(connection, announcer.channel);
    connection.start();
    announcer.channel.start();
    await eventually('an open announcer', () => announcer.channel.isOpen);
    proxy.hold();
    const large = { ...event('orders', 1), tag: 'x'.repeat(50_000) };
    for (let round = 0; round < 20_000 && announcer.channel.counts.dropped === 0; round += 1) announcer.announce(large);
    expect(announcer.channel.counts.dropped).toBeGreaterThan(0);
    proxy.release();
    await eventually('messages are sent again', () => {
      const { sent } = announcer.channel.counts;
      announcer.heartbeat(heartbeat(1));
      return announcer.channel.counts.sent > sent;
    });
  });
});

describe('EventSubscription', () => {
  it('starts while the broker is down, and receives once it is back', async () => {
    await proxy.cut();
    const { subscription, received: received } = startSubscription();
    expect(subscription.isConnected).toBe(false);
    expect(subscription.silentMs).toBe(Infinity);
    await proxy.mend();
    await receivesAgain(await startAnnouncer(), received);
    expect(subscription.silentMs).toBeLessThan(5000);
  });

  it('receives again after a lost connection', async () => {
    const announcer = await startAnnouncer();
    const { received: received } = startSubscription();
    await receivesAgain(announcer, received);
    await proxy.cut();
    await proxy.mend();
    await receivesAgain(announcer, received);
  });

  it('declares, binds and receives again after its connection and its queue were closed', async () => {
    const announcer = await startAnnouncer();
    const { received: received } = startSubscription();
    await receivesAgain(announcer, received);
    const [lost] = await queues();
    // The management API's data is some seconds old.
    const name = await eventually('the connection is listed', async () => {
      const all = (await broker.manage('GET', `/api/vhosts/${broker.vhost}/connections`)) as Listed[];
      return all.find((each) => each.client_properties.connection_name === 'events of statistics')?.name;
    });
    await broker.manage('DELETE', `/api/connections/${encodeURIComponent(name)}`);
    await receivesAgain(announcer, received);
    expect(lost).toMatch(/^events\.statistics\./);
    await eventually('an event of its topic', () => {
      announcer.announce(event('orders', 5));
      return received.some((announcement) => announcement.type === 'event');
    });
  });

  it('receives again after the broker stalled and dropped nothing', async () => {
    const announcer = await startAnnouncer();
    const { received: received } = startSubscription();
    await receivesAgain(announcer, received);
    proxy.hold();
    await eventually('a renewal', () => running.some((part) => (part as EventSubscription).counts?.renewals > 0));
    proxy.release();
    await receivesAgain(announcer, received);
  });

  it('receives every event in each of two processes', async () => {
    const announcer = await startAnnouncer();
    const [first, second] = [startSubscription(PATIENT), startSubscription(PATIENT)];
    await receivesAgain(announcer, first.received);
    await receivesAgain(announcer, second.received);
    announcer.announce(event('orders', 5));
    for (const { received: received } of [first, second]) {
      await eventually('the event', () => received.some(({ type }) => type === 'event'));
    }
  });

  it('skips unreadable messages and failures of its handler', async () => {
    const announcer = await startAnnouncer();
    const seen: Announcement[] = [];
    const { subscription } = startSubscription({
      ...PATIENT,
      handler: (announcement) => {
        seen.push(announcement);
        if (announcement.type === 'event') throw new Error('cannot do that');
      },
    });
    /**
     * Sent messages that did not arrive before the heartbeat `seq`. Messages arrive in order, so none of them can still
     * arrive.
     */
    const notReceivedBefore = async (seq: number) => {
      announcer.heartbeat(heartbeat(seq));
      await eventually('the heartbeat', () =>
        seen.some((each) => each.type === 'heartbeat' && each.heartbeat.seq === seq),
      );
      const { events, heartbeats } = subscription.counts;
      return announcer.channel.counts.sent - events - heartbeats;
    };
    await receivesAgain(announcer, seen);
    const beforeThereWasAQueue = await notReceivedBefore(1);
    await raw(async (model) => {
      const channel = await model.createConfirmChannel();
      channel.publish('ecomarket.events', 'orders.g1', Buffer.from('no json'));
      await channel.waitForConfirms();
    });
    announcer.announce(event('orders', 1));
    await eventually('both are skipped', () => {
      const { unreadable, failed } = subscription.counts;
      return unreadable === 1 && failed === 1;
    });
    await receivesAgain(announcer, seen);
    expect(await notReceivedBefore(2)).toBe(beforeThereWasAQueue);
    expect(subscription.counts.unreadable).toBe(1);
  });

  it('survives a lost connection during a handler, and does not count the handler’s time as silence', async () => {
    const announcer = await startAnnouncer();
    let finish: () => void = () => undefined;
    const working = new Promise<void>((resolve) => (finish = resolve));
    const received: Announcement[] = [];
    const { subscription } = startSubscription({
      handler: async (announcement) => {
        received.push(announcement);
        if (announcement.type === 'event') await working;
      },
    });
    await receivesAgain(announcer, received);
    announcer.announce(event('orders', 1));
    await eventually('the handler starts', () => received.some(({ type }) => type === 'event'));
    const { renewals } = subscription.counts;
    await proxy.cut();
    await eventually('the loss is noticed', () => !subscription.isConnected);
    await proxy.mend();
    await eventually('the connection', () => subscription.isConnected);
    expect(subscription.counts.renewals).toBe(renewals);
    finish();
    await receivesAgain(announcer, received);
  });

  it('receives nothing after stop, and leaves no queue behind', async () => {
    const announcer = await startAnnouncer();
    let finish: () => void = () => undefined;
    const working = new Promise<void>((resolve) => (finish = resolve));
    const received: Announcement[] = [];
    const { subscription } = startSubscription({
      ...PATIENT,
      handler: async (announcement) => {
        received.push(announcement);
        if (announcement.type === 'event') await working;
      },
    });
    const seqs = () => received.flatMap((each) => (each.type === 'event' ? [each.event.seq] : []));
    await receivesAgain(announcer, received);
    for (let seq = 1; seq <= 5; seq += 1) announcer.announce(event('orders', seq));
    await eventually('the first', () => seqs().length === 1);
    const stopped = subscription.stop();
    announcer.announce(event('orders', 6));
    finish();
    await stopped;
    expect(seqs()).toEqual([1]);
    await eventually('no queue of events', async () => (await queues()).length === 0);
  });

  it('allows starts and stops in any order', async () => {
    const { subscription, received: received } = startSubscription();
    await subscription.stop();
    for (let round = 0; round < 3; round += 1) {
      subscription.start();
      subscription.start();
      await Promise.all([subscription.stop(), subscription.stop()]);
    }
    subscription.start();
    await receivesAgain(await startAnnouncer(), received);
  });
});
