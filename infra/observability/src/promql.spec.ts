import { metricsIn } from './promql.js';

it.each([
  ['up', ['up']],
  ['sum by (group) (eco_a{b="c"} or rate(eco_d[5m])) > 3', ['eco_a', 'eco_d']],
  ['changes((max by (group) (eco_term) > 0)[15m:15s]) > 3', ['eco_term']],
  ['(x > 0 unless x offset 5m) and on (job) (up offset 5m == 1)', ['x', 'up']],
])('%s names %j', (query, metrics) => {
  expect(metricsIn(query)).toEqual(metrics);
});

it.each(['rate(x[5m]', 'sum by group (x)', 'x >', ''])('%j is no PromQL', (query) => {
  expect(() => metricsIn(query)).toThrow('no PromQL');
});
