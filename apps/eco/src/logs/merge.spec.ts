import { byTime } from './merge.js';

it('puts the lines of all kinds of servers in the order of time, and a stack behind its line', () => {
  const of = (process: string, ...lines: string[]) => lines.map((line) => ({ process, line }));
  const merged = byTime([
    of('central-api-1', '{"level":"info","time":"2026-11-30T20:00:02.500Z","msg":"b"}', '    at somewhere'),
    of('g1-1', '2026-11-30 20:00:01.000 UTC [7] LOG:  a', '2026-11-30 20:00:03.000 UTC [7] LOG:  c'),
    of('broker-1', '2026-11-30 20:00:02.600000+00:00 [info] <0.9.0> d'),
  ]);
  expect(merged.map(({ process }) => process)).toEqual(['g1-1', 'central-api-1', 'central-api-1', 'broker-1', 'g1-1']);
});
