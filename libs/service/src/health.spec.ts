import { Health } from './health.js';

it('is ready when nothing is missing', async () => {
  const health = new Health();
  health.indicator('broker', () => undefined);
  health.indicator('database', async () => undefined);
  expect(await health.missing()).toEqual([]);
});

it('names everything that is missing, including indicators that throw or hang', async () => {
  const health = new Health(50);
  health.indicator('broker', () => 'no connection');
  health.indicator('database', () => Promise.reject(new Error('ECONNREFUSED')));
  health.indicator('mail', () => {
    throw new Error('a bug');
  });
  health.indicator('disk', () => new Promise(() => undefined));
  health.indicator('clock', () => undefined);
  expect(await health.missing()).toEqual([
    { at: 'broker', message: 'no connection' },
    { at: 'database', message: 'unknown: ECONNREFUSED' },
    { at: 'mail', message: 'unknown: a bug' },
    { at: 'disk', message: 'did not answer within 50 ms' },
  ]);
});

it('allows one indicator per name', () => {
  const health = new Health();
  health.indicator('broker', () => undefined);
  expect(() => health.indicator('broker', () => undefined)).toThrow('broker');
});

it('states a fact that throws as unknown, and the others unchanged', () => {
  const health = new Health();
  health.fact('journal', () => {
    throw new Error('disk I/O error');
  });
  health.fact('role', () => 'leader');
  expect(health.facts).toEqual({ journal: 'unknown: disk I/O error', role: 'leader' });
});
