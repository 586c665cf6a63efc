import { readFileSync } from 'node:fs';
import path from 'node:path';
import { alarms } from './alarms.js';
import { metricsIn, namesOf } from './promql.js';
import { alarmSections, watchedRows } from './runbooks.js';

const operations = readFileSync(path.resolve(__dirname, '../../../docs/operations.md'), 'utf8');
const rows = watchedRows(operations);
const watched = alarms.map((alarm) => ({ ...alarm, metrics: metricsIn(alarm.expr).flatMap(namesOf) }));

it('finds the table and the sections', () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(alarmSections(operations).length).toBeGreaterThan(20);
});

it.each(rows)('the page’s alarm on $metrics ($condition) has a rule with its section', ({ metrics, anchor }) => {
  const rules = watched.filter(
    (rule) => rule.runbook === anchor && rule.metrics.some((each) => metrics.includes(each)),
  );
  expect(rules).not.toEqual([]);
});

it.each(watched)('rule $name is an alarm of the page', ({ metrics, runbook }) => {
  const found = rows.filter((row) => row.anchor === runbook && row.metrics.some((each) => metrics.includes(each)));
  expect(found).not.toEqual([]);
});

it.each(alarmSections(operations))('the section #%s has a rule', (anchor) => {
  expect(alarms.map(({ runbook }) => runbook)).toContain(anchor);
});

it('no two rules have one name', () => {
  expect(new Set(alarms.map(({ name }) => name)).size).toBe(alarms.length);
});

describe('watchedRows', () => {
  const table = (row: string) =>
    `## What to watch\n\n| metric | where | alarm when |\n| --- | --- | --- |\n${row}\n\n## By alarm\n`;

  it.each([
    ['| [`eco_a`](#eco_a) by node | all | grows |', [{ metrics: ['eco_a'], anchor: 'eco_a', condition: 'grows' }]],
    ['| [`eco_a`, `eco_b`](#x), `…_c` | all | 0 |', [{ metrics: ['eco_a', 'eco_b'], anchor: 'x', condition: '0' }]],
    ['| `eco_a` | all | no alarm; it is kept |', []],
    ['| `eco_a` | all |  |', []],
  ])('of %j', (row, expected) => {
    expect(watchedRows(table(row))).toEqual(expected);
  });
});
