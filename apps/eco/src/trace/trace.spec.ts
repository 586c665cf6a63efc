import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DecidedCommand } from '@eco/database';
import { idsOf } from './ids.js';
import { linesWith, type LogLine } from './log-lines.js';
import { stepsOf } from './steps.js';

const ORDER = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const CORRELATION = 'ab41842a-0f3c-4e0e-8f55-1f8a2a0f7c11';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const line = (fields: Record<string, unknown>): LogLine => ({
  time: '2026-11-29T20:00:00.100Z',
  level: 'info',
  name: 'central-api-1',
  msg: 'request',
  ...fields,
});
const accepted = line({
  correlationId: CORRELATION,
  traceId: TRACE,
  method: 'POST',
  url: '/orders',
  status: 202,
  ms: 40,
  location: `/orders/${ORDER}`,
});
const read = line({
  time: '2026-11-29T20:00:01.000Z',
  name: 'read-service',
  correlationId: 'another',
  method: 'GET',
  url: `/orders/${ORDER}`,
  status: 200,
  ms: 5,
});
const batch = line({
  time: '2026-11-29T20:00:00.200Z',
  name: 'shard-writer-1',
  msg: 'batch',
  term: 3,
  seq: 17,
  commands: 1,
  ms: { load: 4, decide: 1, store: 10 },
  correlationIds: [CORRELATION],
});
const decided: DecidedCommand = {
  group: 'g1',
  kind: 'order.place',
  status: 'done',
  decidedAt: new Date('2026-11-29T20:00:00.186Z'),
  term: 3,
  tag: '1f0c5e9a',
  seq: 17,
  topic: 'orders',
  changeType: 'order.confirmed',
  orderStatus: 'confirmed',
  statisticsTerm: 3,
  statisticsSeq: 16,
};

describe('ids', () => {
  it.each([ORDER, CORRELATION, TRACE])('of %s are those of the request that made the order', (id) => {
    const ids = idsOf(id, [accepted, read]);
    expect([...ids.correlationIds]).toEqual([CORRELATION]);
    expect([...ids.commandIds]).toEqual([ORDER]);
  });

  it('of a command that no log knows are the id itself', () => {
    expect(idsOf(ORDER, [])).toEqual({ correlationIds: new Set(), commandIds: new Set([ORDER]) });
  });
});

describe('steps', () => {
  const ids = idsOf(ORDER, [accepted, read]);

  it('are in order of time, from the arrival to the last read', () => {
    const steps = stepsOf(ids, [read, batch, accepted], [decided], []);
    expect(steps.map(({ where, what }) => `${where}: ${what}`)).toEqual([
      'central-api-1: POST /orders → 202: confirmed by a majority of the brokers',
      'shard-writer-1: batch 3.17 of 1 command: load 4 ms, decide 1 ms',
      'g1: order.place: done at position g1=3.1f0c5e9a.17; the order is confirmed now',
      'g1: event order.confirmed in the changes of topic orders',
      'g1: statistics: not applied yet; they are at batch 16',
      'shard-writer-1: commit: stored, then acknowledged',
      `read-service: GET /orders/${ORDER} → 200`,
    ]);
    expect(steps.map(({ atMs }) => atMs - (steps[0]?.atMs ?? 0))).toEqual([0, 125, 126, 126, 126, 130, 935]);
    expect(steps.map(({ tookMs }) => tookMs)).toEqual([40, 15, null, null, null, 10, 5]);
  });

  it.each([
    ['a journal has', { durability: 'local' }, /kept in the journal/],
    ['a client may not send', { status: 403, problem: 'forbidden' }, /→ 403 forbidden$/],
  ])('name a command that %s', (_what, fields, text) => {
    const [step] = stepsOf(ids, [{ ...accepted, ...fields }], [], []);
    expect(step?.what).toMatch(text);
  });
});

it('lines are read from every log that exists, and those of other programs left out', async () => {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'eco-trace-spec-')), 'central-api-1.log');
  writeFileSync(file, [`(node) warning about ${ORDER}`, '{"half', JSON.stringify(accepted), '{}'].join('\n'));
  const logs = [
    { name: 'gone', file: `${file}.gone` },
    { name: 'central-api-1', file },
  ];
  expect(await linesWith(logs, [ORDER])).toEqual([accepted]);
});
