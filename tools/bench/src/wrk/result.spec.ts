import { readResult } from './result.js';

const line =
  'result {"answers":1010,"durationUs":2000000,"refused":10,"broken":2,"late":1,"p50Us":1500,"p99Us":9000,"maxUs":20500}';

it('reads the line of the result, in seconds and milliseconds', () => {
  expect(readResult(line)).toEqual({ done: 1000, failed: 13, seconds: 2, p50Ms: 1.5, p99Ms: 9, maxMs: 20.5 });
});

it.each(['ready', 'Running 2s test @ http://127.0.0.1:1', '  Requests/sec:    505.00', ''])(
  'ignores %j as a line of another program',
  (other) => {
    expect(readResult(other)).toBeUndefined();
  },
);

it.each(['result {}', 'result ', 'result nonsense', line.replace('1010', '-1'), line.replace('2000000', '0')])(
  'rejects %j as a result',
  (other) => {
    expect(() => readResult(other)).toThrow();
  },
);
