import type { BatchPosition } from '@eco/routing';
import fc from 'fast-check';
import { GroupClock } from './group-clock.js';

const TAG = '0a0a0a0a';
const seq = (number: number, term = 1): BatchPosition => ({ term, tag: TAG, seq: number });

// The group's times and ours differ by an hour on purpose: nothing may compare one with the other.
const HOUR = 3_600_000;
const groupAt = (ms: number) => HOUR + ms;

/** An observation whose answer took no time. */
const fromPrimary = (clock: GroupClock, position: BatchPosition, atMs: number, nowMs: number, timeline = 1) =>
  clock.note({ position, atMs, timeline }, nowMs, nowMs);
const fromReplica = (clock: GroupClock, position: BatchPosition, atMs: number, nowMs: number) =>
  clock.note({ position, atMs }, nowMs, nowMs);

describe('the lag of a node', () => {
  it('is 0 while the node shows every known batch', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 0)).toBe(0);
    expect(clock.lagMs({ position: seq(6), atMs: groupAt(1) }, 0)).toBe(0);
  });

  it('stays 0 however long the primary is idle, with or without heartbeats, as long as it is reached', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0);
    fromPrimary(clock, seq(5), groupAt(0), HOUR);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR)).toBe(0);
    fromPrimary(clock, seq(5), groupAt(2 * HOUR), 2 * HOUR);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 2 * HOUR)).toBe(0);
  });

  it('is the age of the oldest missing batch, by the group’s time', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(9), groupAt(400), 1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(100) }, 1_000)).toBe(300);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(100) }, 1_500)).toBe(800);
  });

  it('grows while the primary is away', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(9), groupAt(0), 0);
    expect(clock.lagMs({ position: seq(8), atMs: groupAt(-50) }, 60_000)).toBe(60_050);
  });

  it('counts from the first missing batch, not from the time at which a replica of an idle group stopped', () => {
    const clock = new GroupClock();
    // The replica stalls at the heartbeat of 0 s; the primary is idle for an hour, then writes one batch.
    for (let ms = 0; ms <= HOUR; ms += 1_000) fromPrimary(clock, seq(5), groupAt(ms), ms);
    fromPrimary(clock, seq(6), groupAt(HOUR + 900), HOUR + 1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR + 1_000)).toBe(1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR + 5_000)).toBe(5_000);
  });

  it('does not grow with a burst: it is the age of the first missing batch', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0);
    fromPrimary(clock, seq(5_000), groupAt(1_000), 1_000);
    expect(clock.lagMs({ position: seq(4_990), atMs: groupAt(995) }, 1_000)).toBe(5);
  });

  it('counts a batch from the first node that showed it, even a replica before the primary', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0);
    fromReplica(clock, seq(6), groupAt(20), 20);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 30)).toBe(30);
  });

  it('compares terms before seqs: after a failover that lost batches, the new term is ahead', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(100, 3), groupAt(0), 0);
    fromPrimary(clock, seq(95, 4), groupAt(500), 500);
    expect(clock.lagMs({ position: seq(95, 4), atMs: groupAt(500) }, 500)).toBe(0);
    expect(clock.lagMs({ position: seq(100, 3), atMs: groupAt(0) }, 600)).toBe(600);
  });

  it('is at least the time since the group’s clock last moved, less a heartbeat, while the primary is unreachable', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0);
    const shown = { position: seq(5), atMs: groupAt(0) };
    expect(clock.lagMs(shown, 1_000)).toBe(0);
    expect(clock.lagMs(shown, 31_000)).toBe(30_000);
    // A replica that still receives log moves each second.
    fromReplica(clock, seq(5), groupAt(40_000), 40_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(40_000) }, 40_500)).toBe(0);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(40_000) }, 46_000)).toBe(5_000);
  });

  it('includes the batches that a replica replays late, although its clock moves each second', () => {
    const clock = new GroupClock();
    for (let ms = 0; ms <= 10_000; ms += 1_000) fromPrimary(clock, seq(ms), groupAt(ms), ms);
    // From here on only a replica is reached; it is 30 s behind.
    for (let ms = 40_000; ms <= 100_000; ms += 1_000) fromReplica(clock, seq(ms - 30_000), groupAt(ms - 30_000), ms);
    expect(clock.lagMs({ position: seq(70_000), atMs: groupAt(70_000) }, 100_000)).toBe(29_000);
  });

  it('is unknown to a process that has never reached the primary', () => {
    const clock = new GroupClock();
    const shown = { position: seq(5), atMs: groupAt(0) };
    expect(clock.lagMs(shown, 0)).toBeUndefined();
    fromReplica(clock, shown.position, shown.atMs, 0);
    expect(clock.lagMs(shown, 0)).toBeUndefined();
    fromPrimary(clock, shown.position, shown.atMs, 100);
    expect(clock.lagMs(shown, 100)).toBe(0);
  });

  it('is 0 for a group without a writer once the primary is reached', () => {
    const clock = new GroupClock();
    const shown = { position: { term: 0, tag: '', seq: 0 }, atMs: groupAt(0) };
    fromPrimary(clock, shown.position, shown.atMs, 0);
    fromPrimary(clock, shown.position, shown.atMs, HOUR);
    expect(clock.lagMs(shown, HOUR)).toBe(0);
  });

  it('is 0 on the primary, however long its answer took', () => {
    const clock = new GroupClock();
    const shown = { position: seq(5), atMs: groupAt(0), timeline: 1 };
    clock.note(shown, 0, 20_000);
    expect(clock.lagMs(shown, 20_000)).toBe(0);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 30_000)).toBe(9_000);
  });

  it('is at most a second less than the age of the batches that a cut-off node misses', () => {
    const looks = fc.array(fc.record({ replica: fc.boolean(), delayMs: fc.nat(400), gapMs: fc.nat(900) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(looks, fc.nat(100_000), (before, cutMs) => {
        const clock = new GroupClock();
        let nowMs = 0;
        fromPrimary(clock, seq(0), groupAt(0), 0);
        for (const { replica, delayMs, gapMs } of before) {
          nowMs += gapMs;
          // The group writes a batch every 100 ms. This observation shows all batches written by then.
          const shownMs = Math.max(0, Math.floor((nowMs - delayMs) / 100) * 100);
          if (replica) fromReplica(clock, seq(shownMs / 100), groupAt(shownMs), nowMs);
          else fromPrimary(clock, seq(shownMs / 100), groupAt(shownMs), nowMs);
        }
        const cut = { position: seq(Math.floor(nowMs / 100)), atMs: groupAt(Math.floor(nowMs / 100) * 100) };
        fromReplica(clock, cut.position, cut.atMs, nowMs);
        expect(clock.lagMs(cut, nowMs + cutMs)).toBeGreaterThanOrEqual(cutMs - 1_000);
      }),
    );
  });
});

describe('the clock of a group', () => {
  it('is taken from the look soonest after a write, and runs on between looks', () => {
    const clock = new GroupClock();
    expect([clock.nowMs(0), clock.stillMs(0)]).toEqual([undefined, Infinity]);
    fromPrimary(clock, seq(1), groupAt(0), 900);
    fromPrimary(clock, seq(2), groupAt(1_000), 1_010);
    fromPrimary(clock, seq(3), groupAt(2_000), 2_700);
    expect(clock.nowMs(3_000)).toBe(groupAt(2_990));
  });

  it('stops at the last look at any node that saw it move', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(1), groupAt(0), 0);
    fromReplica(clock, seq(1), groupAt(1_000), 1_000);
    fromPrimary(clock, seq(1), groupAt(1_000), 4_000);
    expect(clock.stillMs(5_000)).toBe(4_000);
    fromPrimary(clock, seq(2), groupAt(1_000), 5_000);
    expect(clock.stillMs(5_100)).toBe(100);
  });

  it('follows a correction of the clock of its server within 10 s, both ways', () => {
    const clock = new GroupClock();
    const ofTheGroup = (ms: number) => (ms < 60_000 || ms >= 120_000 ? ms : ms + 900_000);
    for (let ms = 0; ms < 180_000; ms += 500) {
      // An earlier time than before comes from another leadership.
      fromPrimary(clock, seq(ms, ms < 120_000 ? 1 : 2), groupAt(ofTheGroup(ms)), ms);
      const sinceMs = ms % 60_000;
      if (sinceMs > 10_000) expect(clock.nowMs(ms)).toBe(groupAt(ofTheGroup(ms)));
    }
  });

  it('is at most 10 s late while a clock that was set back waits for time to catch up', () => {
    const clock = new GroupClock();
    for (let ms = 0; ms <= 60_000; ms += 1_000) fromPrimary(clock, seq(1), groupAt(ms), ms);
    // The server is 15 minutes behind now: `at` moves by 1 ms with each heartbeat.
    for (let ms = 61_000; ms <= 180_000; ms += 1_000) {
      const atMs = groupAt(60_000 + (ms - 60_000) / 1_000);
      fromPrimary(clock, seq(1), atMs, ms);
      expect((clock.nowMs(ms) ?? 0) - atMs).toBeLessThanOrEqual(10_000);
    }
  });

  it('moves on after a failover that lost a leadership, although the new one has the same term and an earlier batch', () => {
    const clock = new GroupClock();
    const other = (number: number): BatchPosition => ({ term: 5, tag: 'bbbbbbbb', seq: number });
    fromPrimary(clock, seq(100, 5), groupAt(0), 0);
    // A replica that was not rewound still shows lost batches.
    for (let ms = 10_000; ms <= 40_000; ms += 500) {
      const heartbeats = Math.floor(ms / 1_000);
      fromPrimary(clock, other(60), groupAt(heartbeats), ms, 2);
      fromReplica(clock, seq(100, 5), groupAt(0), ms + 100);
    }
    expect(clock.stillMs(40_000)).toBeLessThanOrEqual(1_000);
    expect(clock.lagMs({ position: other(60), atMs: groupAt(40) }, 40_000)).toBe(0);
    expect(clock.lagMs({ position: seq(100, 5), atMs: groupAt(0) }, 40_000)).toBeUndefined();
  });

  it('ignores a look at the primary that started before a new leadership was seen', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(100, 5), groupAt(0), 0);
    fromReplica(clock, seq(101, 6), groupAt(1_000), 1_000);
    clock.note({ position: seq(100, 5), atMs: groupAt(500), timeline: 1 }, 600, 1_100);
    clock.note({ position: seq(100, 5), atMs: groupAt(900), timeline: 1 }, 950, 1_200);
    expect(clock.lagMs({ position: seq(101, 6), atMs: groupAt(1_000) }, 1_200)).toBe(0);
    expect(clock.lagMs({ position: seq(100, 5), atMs: groupAt(500) }, 1_300)).toBe(100);
  });

  it('ignores a deposed primary', () => {
    const clock = new GroupClock();
    fromPrimary(clock, seq(5), groupAt(0), 0, 2);
    fromPrimary(clock, seq(9, 9), groupAt(9_000), 1_000, 1);
    expect(clock.stillMs(1_000)).toBe(1_000);
  });
});
