import { notesOf } from './find-position.js';
import { backupFor, targetFor, targetOf } from './restore-target.js';
import type { Backup } from './backups.js';

const backup = (label: string, endedAt: string, seq?: number, term = 1): Backup => ({
  ...{ label, kind: 'full', startedAt: new Date(endedAt), endedAt: new Date(endedAt), dataBytes: 1, storedBytes: 1 },
  ...{ firstSegment: '000000010000000000000001' },
  position: seq === undefined ? undefined : { group: 'g1', term, tag: 'aaaaaaaa', seq },
});
const group = {
  groupId: 'g1',
  backups: [
    backup('first', '2026-11-28T01:00:00Z', 100),
    backup('second', '2026-11-29T01:00:00Z', 200),
    backup('without position', '2026-11-29T13:00:00Z'),
  ],
};
const chosen = (to: string) => backupFor(group, targetFor('g1', targetOf(to))).label;

describe('the point of a restore', () => {
  it.each([
    ['end', 'without position'],
    ['2026-11-29T01:00:00Z', 'second'],
    ['2026-11-28T23:00:00-06:00', 'second'],
    ['2026-11-29T00:59:59.999Z', 'first'],
    ['g1=1.aaaaaaaa.200', 'second'],
    ['g1=1.aaaaaaaa.199', 'first'],
    ['g2=1.aaaaaaaa.1, g1=2.bbbbbbbb.250', 'second'],
    // A later term that began before the batches of the backup: the backup is of a forgotten history.
    ['g1=2.bbbbbbbb.150', 'first'],
  ])('%s begins with the backup "%s"', (to, label) => expect(chosen(to)).toBe(label));

  it.each([
    ['yesterday', 'must be "end", a time with its zone'],
    ['2026-11-29T01:00:00', 'must be "end", a time with its zone'],
    ['2026-11-28T00:59:59Z', 'choose a point from 2026-11-28T01:00:00.000Z and g1=1.aaaaaaaa.100 on'],
    ['g1=1.aaaaaaaa.99', 'the first backup of group g1 is later'],
    ['g2=1.aaaaaaaa.1', 'the position names no batch of group g1'],
    ['order/018bcfe5-687b-7000-8000-000000000000', 'must be "end"'],
  ])('%s is refused', (to, text) => expect(() => chosen(to)).toThrow(text));

  it('may begin with a named backup', () => {
    expect(backupFor(group, { type: 'end' }, 'first').label).toBe('first');
    expect(() => backupFor(group, { type: 'end' }, 'third')).toThrow('no backup third');
    expect(() => backupFor({ groupId: 'g1', backups: [] }, { type: 'end' })).toThrow('has no backup');
  });
});

test('notes of positions are read from the lines of pg_waldump', () => {
  const line = (tx: number, lsn: string, prefix = 'eco') =>
    `rmgr: LogicalMessage len (rec/tot):     67/    67, tx: ${String(tx).padStart(10)}, lsn: ${lsn}, prev 0/01A2, ` +
    `desc: MESSAGE transactional, prefix "${prefix}"; payload (3 bytes): 31 2E 61`;
  const text = [line(745, '1/000000A0'), line(746, '0/01A2B3C8', 'other'), line(747, '0/01A2B3C8'), ''].join('\n');
  expect(notesOf(text, 2)).toEqual([
    { xid: '745', timeline: 2, lsn: 0x1000000a0n, note: '312E61' },
    { xid: '747', timeline: 2, lsn: 0x01a2b3c8n, note: '312E61' },
  ]);
});
