import { createLog, withCorrelation } from './log.js';

function logged(logLevel: 'trace' | 'info' | 'warn' = 'info') {
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

// ASVS 5.0: 14.2.1, 16.2.5
it.each([
  ['/customers/ana.torres@example.com?x=1', '/customers/[e-mail address]?x=1'],
  ['/customers?email=ana.torres%40example.com&limit=1', '/customers?email=[e-mail address]&limit=1'],
  ['/customers?email=ana%2Btorres%2540example.com', '/customers?email=[e-mail address]'],
  ['550 <ana.torres@mail.example.com>: no such user', '550 <[e-mail address]>: no such user'],
  ["ana.o'torres+shop@example.com, bea@example.com", '[e-mail address], [e-mail address]'],
  ['the node rabbit@eco-1 of amqp://user@127.0.0.1:5672', 'the node rabbit@eco-1 of amqp://user@127.0.0.1:5672'],
])('shows no e-mail address at any level: %s', (text, shown) => {
  const { log, lines } = logged('trace');
  log.trace({ url: text, err: new Error(text) }, text);
  log.child({}, { redact: [] }).error({ url: text }, text);
  expect(lines).toMatchObject([
    { url: shown, msg: shown, err: { message: shown } },
    { url: shown, msg: shown },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/torres/);
});

// A search whose time grows with the square of the length takes longer than the test may.
it('logs a long text without an address', () => {
  const { log, lines } = logged();
  log.info('a'.repeat(300_000) + '@');
  expect(lines).toHaveLength(1);
});

// ASVS 5.0: 16.2.5
it('shows of an error neither the values of a row nor those of a statement', () => {
  const { log, lines } = logged('trace');
  const detail = 'Failing row contains (ana, Ana Torres).';
  const error = Object.assign(new Error('a check failed'), { code: '23514', detail, parameters: ['Ana Torres'] });
  log.error({ err: Object.assign(error, { driverError: { detail } }) }, 'not stored');
  expect(lines).toMatchObject([{ err: { type: 'Error', message: 'a check failed', code: '23514' } }]);
  expect(JSON.stringify(lines)).not.toMatch(/Torres/);
});

it('omits lines below its level', () => {
  const { log, lines } = logged('warn');
  log.info('x');
  log.warn('y');
  expect(lines).toHaveLength(1);
});
