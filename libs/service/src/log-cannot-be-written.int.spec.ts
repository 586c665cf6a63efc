import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { eventually } from '@eco/testing';

/*
 * A whole process whose log can't be written: on a full disk, with a reader that has ended, and with one that stalls.
 * It runs the built library, as every process does.
 */

const child = `
  const { createFrame, runProcess, startService } = require('@eco/service');
  class Empty {}
  runProcess(async () => {
    const port = Number(process.argv[1]);
    const frame = createFrame({ name: 'test', operatorsPort: port, logLevel: 'info' });
    return startService(frame, { module: { module: Empty } });
  }).then((code) => process.exit(code));
`;

const running: ChildProcess[] = [];
afterEach(() => running.splice(0).forEach((each) => each.kill('SIGKILL')));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Output = number | 'pipe' | 'inherit';

async function start(stdout: Output, stderr: Output): Promise<{ process: ChildProcess; url: string }> {
  const port = await freePort();
  const process_ = spawn(process.execPath, ['-e', child, String(port)], {
    cwd: __dirname,
    stdio: ['ignore', stdout, stderr],
  });
  running.push(process_);
  return { process: process_, url: `http://127.0.0.1:${port}` };
}

const get = (url: string) => fetch(url, { signal: AbortSignal.timeout(30_000) });

/** Number of requests after which more than a megabyte of log waits. Each line contains this long path. */
const REQUESTS = 150;

async function answersAndStops({ process: process_, url }: Awaited<ReturnType<typeof start>>): Promise<void> {
  await eventually(
    'it is ready',
    async () => (await get(`${url}/health/ready`).catch(() => undefined))?.status === 200,
  );
  const statuses = new Set<number>();
  for (let n = 0; n < REQUESTS; n += 1) statuses.add((await get(`${url}/${'x'.repeat(10_000)}`)).status);
  expect([...statuses]).toEqual([404]);
  const metrics = await (await get(`${url}/metrics`)).text();
  expect(Number(/^eco_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  expect((await get(`${url}/health/ready`)).status).toBe(200);
  const ended = new Promise((resolve) => process_.once('exit', (code, signal) => resolve(code ?? signal)));
  process_.kill('SIGTERM');
  expect(await ended).toBe(0);
}

it('a service whose log is on a full disk is ready, answers, counts the dropped lines and ends when asked', async () => {
  const full = openSync('/dev/full', 'w');
  try {
    await answersAndStops(await start(full, full));
  } finally {
    closeSync(full);
  }
});

it('a service whose log reader has ended is ready, answers, counts the dropped lines and ends when asked', async () => {
  const started = await start('pipe', 'inherit');
  started.process.stdout?.destroy();
  await answersAndStops(started);
});

it('a service whose log reader is stalled is ready, answers, counts the dropped lines and ends when asked', async () => {
  const started = await start('pipe', 'inherit');
  started.process.stdout?.pause();
  await answersAndStops(started);
});
