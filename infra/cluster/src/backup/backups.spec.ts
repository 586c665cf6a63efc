import { backupsIn } from './backups.js';

/** Printed by pgBackRest 2.45, shortened. */
const info = JSON.stringify([
  {
    name: 'g1',
    archive: [{ id: '15-1', min: '000000010000000000000001', max: '000000010000000000000006' }],
    backup: [
      {
        label: '20261129-220711F',
        type: 'full',
        error: false,
        annotation: { position: 'g1=1.e046e033.3' },
        timestamp: { start: 1795989820, stop: 1795989822 },
        archive: { start: '000000010000000000000003', stop: '000000010000000000000003' },
        info: { size: 22992426, delta: 22992426, repository: { size: 2810525, delta: 2810525 } },
      },
      {
        label: '20261129-220711F_20261129-220721D',
        type: 'diff',
        timestamp: { start: 1795989830, stop: 1795989831 },
        archive: { start: '000000010000000000000005', stop: '000000010000000000000005' },
        info: { size: 22992426, delta: 8192, repository: { size: 2810525, delta: 1024 } },
      },
    ],
  },
  { name: 'g2', archive: [{ id: '15-1', min: null, max: null }], backup: [] },
]);

test('backups are read with their times, sizes and positions', () => {
  const [g1, g2] = backupsIn(info);
  expect(g1).toMatchObject({ groupId: 'g1', lastSegment: '000000010000000000000006' });
  expect(g1?.backups).toEqual([
    {
      label: '20261129-220711F',
      kind: 'full',
      startedAt: new Date('2026-11-29T22:03:40Z'),
      endedAt: new Date('2026-11-29T22:03:42Z'),
      position: { group: 'g1', term: 1, tag: 'e046e033', seq: 3 },
      firstSegment: '000000010000000000000003',
      dataBytes: 22_992_426,
      storedBytes: 2_810_525,
    },
    expect.objectContaining({ kind: 'diff', position: undefined, storedBytes: 1024 }),
  ]);
  expect(g2).toEqual({ groupId: 'g2', lastSegment: undefined, backups: [] });
});
