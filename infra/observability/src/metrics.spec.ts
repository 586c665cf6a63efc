import { Counter, Gauge, Registry } from 'prom-client';
import { Metrics } from './metrics.js';

it('reads what prom-client writes', async () => {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: 'a', help: 'A', labelNames: ['x', 'y'], registers }).set({ x: '1', y: 'q"u\\o\nte' }, -2.5);
  new Gauge({ name: 'b', help: 'B', registers }).set(Infinity);
  new Gauge({ name: 'c', help: 'C', registers }).set(NaN);
  new Counter({ name: 'd_total', help: 'D', labelNames: ['z'], registers });
  const metrics = new Metrics(await registry.metrics());
  const { names, samples } = metrics;
  expect([...names]).toEqual(['a', 'b', 'c', 'd_total']);
  expect(samples).toEqual([
    { metric: 'a', labels: { x: '1', y: 'q"u\\o\nte' }, value: -2.5 },
    { metric: 'b', labels: {}, value: Infinity },
    { metric: 'c', labels: {}, value: NaN },
  ]);
  expect(metrics.value('a', { x: '1' })).toBe(-2.5);
  expect(metrics.value('a', { x: '2' })).toBeUndefined();
});
