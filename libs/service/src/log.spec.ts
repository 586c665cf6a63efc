import { createLog, withCorrelation } from './log.js';

function logged(logLevel: 'info' | 'warn' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, log: createLog({ name: 'test', logLevel }, { write }) };
}

// ASVS 5.0: 16.2.4, 16.4.1
it('writes one object per line, with the level in words', () => {
  const { log, lines } = logged();
  log.info({ orders: 2 }, 'stored');
  expect(lines).toEqual([expect.objectContaining({ level: 'info', name: 'test', orders: 2, msg: 'stored' })]);
});

it('adds the current correlation id, through awaits', async () => {
  const { log, lines } = logged();
  await Promise.all(
    ['a', 'b'].map((id) =>
      withCorrelation(id, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        log.info('inside');
      }),
    ),
  );
  log.info('outside');
  withCorrelation('c', () => log.info({ correlationId: 'its own' }, 'inside'));
  expect(lines.map((line) => line.correlationId)).toEqual(['a', 'b', undefined, 'its own']);
});

it('shows no secret', () => {
  const { log, lines } = logged();
  log.info({
    password: 'p1',
    login: { user: 'central', password: 'p2' },
    request: { headers: { authorization: 'p3' } },
  });
  expect(JSON.stringify(lines)).not.toMatch(/p[123]/);
  expect(lines[0]).toMatchObject({ login: { user: 'central', password: '[secret]' } });
});

it('omits lines below its level', () => {
  const { log, lines } = logged('warn');
  log.info('x');
  log.warn('y');
  expect(lines).toHaveLength(1);
});
