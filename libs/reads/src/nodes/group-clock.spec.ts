import type { TermPosition } from '@eco/routing';
import { GroupClock } from './group-clock.js';

const TAG = '0a0a0a0a';
const seq = (number: number, term = 1): TermPosition => ({ term, tag: TAG, seq: number });

// Times of the group and ours differ by an hour on purpose: nothing may compare one with the other.
const HOUR = 3_600_000;
const groupAt = (ms: number) => HOUR + ms;

describe('the lag of a node', () => {
  it('is 0 while nothing is known that it has not shown', () => {
    const clock = new GroupClock();
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 0)).toBe(0);
    clock.note({ position: seq(5), atMs: groupAt(0) }, true, 0);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 0)).toBe(0);
    expect(clock.lagMs({ position: seq(6), atMs: groupAt(1) }, 0)).toBe(0);
  });

  it('stays 0 however long the primary is idle, touched or not', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(5), atMs: groupAt(0) }, true, 0);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 10 * HOUR)).toBe(0);
    clock.note({ position: seq(5), atMs: groupAt(HOUR) }, true, HOUR);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR)).toBe(0);
  });

  it('is the age of the oldest batch missed, as the group dates it', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(9), atMs: groupAt(400) }, true, 1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(100) }, 1_000)).toBe(300);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(100) }, 1_500)).toBe(800);
  });

  it('grows while the primary is away', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(9), atMs: groupAt(0) }, true, 0);
    expect(clock.lagMs({ position: seq(8), atMs: groupAt(-50) }, 60_000)).toBe(60_050);
  });

  it('counts from the first missed batch, not from when a replica of an idle group stopped', () => {
    const clock = new GroupClock();
    // The replica stands still at the touch of 0 s; the primary is idle for an hour, then writes one batch.
    for (let ms = 0; ms <= HOUR; ms += 1_000) clock.note({ position: seq(5), atMs: groupAt(ms) }, true, ms);
    clock.note({ position: seq(6), atMs: groupAt(HOUR + 900) }, true, HOUR + 1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR + 1_000)).toBe(1_000);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, HOUR + 5_000)).toBe(5_000);
  });

  it('does not lengthen with a burst: what is missed is as old as its first batch', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(5), atMs: groupAt(0) }, true, 0);
    clock.note({ position: seq(5_000), atMs: groupAt(1_000) }, true, 1_000);
    expect(clock.lagMs({ position: seq(4_990), atMs: groupAt(995) }, 1_000)).toBe(5);
  });

  it('knows of a batch from whichever node showed it, a replica before the primary too', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(5), atMs: groupAt(0) }, true, 0);
    clock.note({ position: seq(6), atMs: groupAt(20) }, false, 20);
    expect(clock.lagMs({ position: seq(5), atMs: groupAt(0) }, 30)).toBe(30);
  });

  it('goes by the reign before the number: after a failover that lost batches the new reign is ahead', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(100, 3), atMs: groupAt(0) }, true, 0);
    clock.note({ position: seq(95, 4), atMs: groupAt(500) }, true, 500);
    expect(clock.lagMs({ position: seq(95, 4), atMs: groupAt(500) }, 500)).toBe(0);
    expect(clock.lagMs({ position: seq(100, 3), atMs: groupAt(0) }, 600)).toBe(600);
  });
});

describe('the clock of a group', () => {
  it('is told by the look that came soonest after the group wrote, and runs on between looks', () => {
    const clock = new GroupClock();
    expect([clock.nowMs(0), clock.stillMs(0)]).toEqual([undefined, Infinity]);
    clock.note({ position: seq(1), atMs: groupAt(0) }, true, 900);
    clock.note({ position: seq(2), atMs: groupAt(1_000) }, true, 1_010);
    clock.note({ position: seq(3), atMs: groupAt(2_000) }, true, 2_700);
    expect(clock.nowMs(3_000)).toBe(groupAt(2_990));
  });

  it('stands still from the look that last saw it go on, whoever was looked at', () => {
    const clock = new GroupClock();
    clock.note({ position: seq(1), atMs: groupAt(0) }, true, 0);
    clock.note({ position: seq(1), atMs: groupAt(1_000) }, false, 1_000);
    clock.note({ position: seq(1), atMs: groupAt(1_000) }, true, 4_000);
    expect(clock.stillMs(5_000)).toBe(4_000);
    clock.note({ position: seq(2), atMs: groupAt(1_000) }, true, 5_000);
    expect(clock.stillMs(5_100)).toBe(100);
  });
});
