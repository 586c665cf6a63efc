import { Health } from './health.js';

it('is ready when nothing is missing', async () => {
  const health = new Health();
  health.indicator('broker', () => undefined);
  health.indicator('database', async () => undefined);
  expect(await health.missing()).toEqual([]);
});

it('names all that is missing, what throws and what hangs too', async () => {
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
    { at: 'database', message: "can't be told: ECONNREFUSED" },
    { at: 'mail', message: "can't be told: a bug" },
    { at: 'disk', message: 'did not answer within 50 ms' },
  ]);
});

it('has one indicator of a name', () => {
  const health = new Health();
  health.indicator('broker', () => undefined);
  expect(() => health.indicator('broker', () => undefined)).toThrow('broker');
});

it('states a fact that throws as unknown, and the others as they are', () => {
  const health = new Health();
  health.fact('journal', () => {
    throw new Error('disk I/O error');
  });
  health.fact('role', () => 'leader');
  expect(health.facts).toEqual({ journal: "can't be told: disk I/O error", role: 'leader' });
});
