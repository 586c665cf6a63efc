import type { EventAnnouncer } from '@eco/broker';
import { topics, type ChangeEvent, type Topic } from '@eco/contracts';
import type { LeaderTerm } from '@eco/writer';
import type { BatchState, Effects } from '@eco/domain';
import { Announcements } from './announcements.js';

function setUp() {
  const events: ChangeEvent[] = [];
  const announcer = { announce: (event: ChangeEvent) => events.push(event), heartbeat: () => undefined };
  const leaderTerm = { group: 'g1', term: 3, tag: 'a', seq: 5 } as LeaderTerm;
  const lastSeqs = Object.fromEntries(topics.map((topic) => [topic, 5])) as Record<Topic, number>;
  const announcements = new Announcements(announcer as unknown as EventAnnouncer, leaderTerm, lastSeqs);
  const commit = (seq: number, orders: number, topic: Topic = 'orders') => {
    const outcome = { topic, changeType: 'order.confirmed', n: 0, commandId: 'c', changeData: {} };
    const outcomes = Array.from({ length: orders }, () => outcome);
    announcements.announce(
      { position: { seq }, at: '2026-11-24T00:00:00.000Z' } as BatchState,
      { outcomes, movements: [] } as unknown as Effects,
    );
  };
  const announced = () => events.map(({ seq, previousSeq, changes }) => [previousSeq, seq, changes?.length]);
  return { announcements, commit, announced: announced };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('announces a small batch at once with its changes, and large batches together', () => {
  const { commit, announced: announced } = setUp();
  commit(6, 2);
  commit(7, 50);
  commit(8, 50);
  expect(announced()).toEqual([[5, 6, 2]]);
  jest.advanceTimersByTime(100);
  commit(9, 1);
  expect(announced()).toEqual([
    [5, 6, 2],
    [6, 8, undefined],
    [8, 9, 1],
  ]);
});

it('leaves no gap: sends the gathered batches before a small one, and before it stops', () => {
  const { announcements, commit, announced: announced } = setUp();
  commit(6, 50);
  commit(7, 1);
  commit(9, 50);
  announcements.stop();
  jest.advanceTimersByTime(1_000);
  expect(announced()).toEqual([
    [5, 6, undefined],
    [6, 7, 1],
    [7, 9, undefined],
  ]);
});

it('announces changes of customers without their data, which is personal', () => {
  const { commit, announced } = setUp();
  commit(6, 1, 'customers');
  commit(7, 1);
  expect(announced()).toEqual([
    [5, 6, undefined],
    [5, 7, 1],
  ]);
});
