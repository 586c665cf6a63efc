import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OwnToken } from '@eco/access';
import { isSameProcess, openSecrets, PROJECT_DIR, readRun, type Run } from '@eco/cluster';
import { eventually } from '@eco/testing';

/*
 * `up`, `status` and `down` from the outside, as a person uses them. One broker and one database suffice to see what is
 * started, printed and left behind. The end-to-end suite tests the services and the path of an order.
 */

const parentDir = mkdtempSync(path.join(os.tmpdir(), 'eco-up-'));
const dataDir = path.join(parentDir, 'data');
const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');
const SMALL = ['--brokers', '1', '--replicas', '0', '--no-services'];
const FREE = ['amqp', 'management', 'erlang', 'postgres'].flatMap((kind) => [`--port-${kind}`, '0']);
const READY_MS = 150_000;

interface Up {
  process: ChildProcess;
  /** Everything that the process has printed so far. */
  text(): string;
  ended: Promise<number | null>;
}

const ups: Up[] = [];

function up(...args: string[]): Up {
  const child = spawn(process.execPath, [ECO, 'up', ...SMALL, ...FREE, '--data', dataDir, ...args]);
  let text = '';
  const take = (chunk: Buffer) => (text += chunk.toString());
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const started = {
    process: child,
    text: () => text,
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
  ups.push(started);
  return started;
}

async function upAndReady(): Promise<Up & { run: Run }> {
  const started = up();
  await eventually('the table of what runs where', () => /management UI: user operator/.test(started.text()), {
    deadlineMs: READY_MS,
  });
  const run = readRun(dataDir);
  if (!run) throw new Error('there is no run file');
  return { ...started, run };
}

function eco(...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ECO, ...args], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

const stillRunning = (run: Run) => run.processes.filter(isSameProcess).map(({ name }) => name);

// What a failed test leaves running would make the next ones fail.
afterEach(async () => {
  const left = ups.splice(0);
  left.forEach((each) => each.process.kill('SIGTERM'));
  await Promise.all(left.map((each) => each.ended));
}, 120_000);
afterAll(() => {
  eco('down', '--volumes', '--data', dataDir);
  rmSync(parentDir, { recursive: true });
}, 60_000);

test('Ctrl-C stops everything in order, and the data stays', async () => {
  const started = await upAndReady();
  expect(started.run.processes.map(({ name }) => name)).toEqual(['epmd', 'broker-1', 'g1-1']);
  expect(started.text()).toContain(path.join(dataDir, 'secrets', 'broker.json'));

  const log = eco('logs', 'g1-1', '--lines', '5', '--data', dataDir);
  expect([log.code, log.text.split('\n').length]).toEqual([0, 6]);
  const all = eco('logs', '--data', dataDir).text;
  expect(all).toMatch(/^broker-1 \| /m);
  expect(all).toMatch(/^g1-1 \| /m);
  expect(eco('logs', 'nobody', '--data', dataDir)).toEqual({
    code: 2,
    text: 'error: there is no process "nobody"; there are broker-1, epmd, g1-1\n',
  });
  const follower = spawn(process.execPath, [ECO, 'logs', 'g1-1', '--follow', '--data', dataDir]);
  const followed = new Promise((resolve) => follower.once('close', resolve));
  await new Promise((resolve) => follower.stdout.once('data', resolve));
  follower.kill('SIGINT');
  expect(await followed).toBe(0);

  const status = eco('status', '--json', '--data', dataDir);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.text)).toMatchObject({
    ready: true,
    supervisorPid: started.process.pid,
    processes: [
      { name: 'epmd', state: 'ready' },
      { name: 'broker-1', state: 'ready' },
      { name: 'g1-1', state: 'ready', role: 'primary' },
    ],
  });

  const second = up();
  expect(await second.ended).toBe(2);
  expect(second.text()).toMatch(/^error: .* is running already \(pid \d+\)\n$/);

  started.process.kill('SIGINT');
  expect(await started.ended).toBe(0);
  expect(stillRunning(started.run)).toEqual([]);
  expect(existsSync(path.join(dataDir, 'postgres'))).toBe(true);
  const after = eco('status', '--data', dataDir);
  expect(after.code).toBe(1);
  expect(after.text).toContain('nothing runs');
}, 240_000);

test('down stops the leftovers of a crashed run and nothing else; --volumes also removes the data', async () => {
  const started = await upAndReady();
  started.process.kill('SIGKILL');
  await started.ended;
  expect(stillRunning(started.run)).toEqual(['epmd', 'broker-1', 'g1-1']);
  expect(eco('status', '--data', dataDir).code).toBe(1);

  // One of the pids now belongs to another process.
  const bystander = spawn('sleep', ['1000']);
  const [epmd] = started.run.processes;
  const reused = { ...epmd, name: 'reused', pid: bystander.pid };
  const processes = [...started.run.processes, reused];
  writeFileSync(path.join(dataDir, 'run.json'), JSON.stringify({ ...started.run, processes }));

  const down = eco('down', '--data', dataDir);
  expect(down.code).toBe(0);
  expect(down.text).toContain('had left 3 processes, now stopped');
  expect(stillRunning(started.run)).toEqual([]);
  expect(bystander.exitCode).toBeNull();
  bystander.kill();

  expect(eco('down', '--volumes', '--data', dataDir).text).toContain(`${dataDir} is removed`);
  expect(existsSync(dataDir)).toBe(false);
}, 240_000);

test('impossible requests are refused in one line, before anything starts', async () => {
  const refused = up('--brokers', '2', '--port-amqp', 'x', '--branches', 'norte,central,norte');
  expect(await refused.ended).toBe(2);
  expect(refused.text()).toBe(
    'error: --brokers must be one of 1, 3, 5, not "2"; --branches: "central" must not be "central": that is the head office; --branches names a branch twice; ' +
      '--port-amqp must be a whole number from 0 to 65,535, not "x"\n',
  );

  const holder = spawn(process.execPath, [
    '-e',
    'require("node:net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port) })',
  ]);
  const port = await new Promise<string>((resolve) =>
    holder.stdout.once('data', (data: Buffer) => resolve(String(data).trim())),
  );
  const taken = up('--port-postgres', port);
  expect(await taken.ended).toBe(2);
  holder.kill();
  expect(taken.text()).toMatch(
    new RegExp(
      `^error: port ${port}, for PostgreSQL g1-1, is held by .*node.* \\(pid ${holder.pid}\\): .* --port-postgres\n$`,
    ),
  );
  expect(existsSync(path.join(dataDir, 'run.json'))).toBe(false);

  // A folder that is not ours is neither used nor removed.
  const foreign = mkdtempSync(path.join(os.tmpdir(), 'eco-up-'));
  const file = path.join(foreign, 'mine');
  writeFileSync(file, '');
  expect(await up('--data', foreign).ended).toBe(2);
  expect(eco('down', '--volumes', '--data', foreign).text).toContain('there is no data');
  expect(readFileSync(file, 'utf8')).toBe('');
  rmSync(foreign, { recursive: true });
}, 60_000);

test('a damaged replica and a damaged broker prevent nothing else from starting, and are reported as missing', async () => {
  const dir = path.join(parentDir, 'damaged');
  const kinds = ['amqp', 'management', 'erlang', 'postgres', 'central', 'sucursal', 'read', 'operators'];
  const start = async () => {
    const child = spawn(process.execPath, [
      ...[ECO, 'up', '--data', dir],
      ...kinds.flatMap((kind) => [`--port-${kind}`, '0']),
    ]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const started = { process: child, text: () => text, ended };
    ups.push(started);
    const done = () => /management UI: user operator/.test(text) || child.exitCode !== null;
    await eventually('it has started', done, { deadlineMs: 360_000 });
    expect(text).toMatch(/management UI: user operator/);
    return started;
  };

  const first = await start();
  first.process.kill('SIGINT');
  await first.ended;
  writeFileSync(path.join(dir, 'postgres/g1/g1-3/PG_VERSION'), 'damaged');
  const brokerDir = path.join(dir, 'rabbitmq/broker-3/data/broker-3@localhost');
  for (const entry of readdirSync(brokerDir, { withFileTypes: true })) {
    if (entry.isFile()) writeFileSync(path.join(brokerDir, entry.name), 'damaged');
  }

  const second = await start();
  for (const name of ['g1-3', 'broker-3']) {
    expect(second.text()).toMatch(new RegExp(`^${name} is missing, and is tried again every 30 s: it ended .*$`, 'm'));
  }
  const central = readRun(dir)?.layout.services.find(({ app }) => app === 'central-api');
  const token = new OwnToken((await openSecrets(dir)).tokens, { id: 'spec', role: 'manager' });
  const order = await fetch(`http://127.0.0.1:${central?.port}/orders`, {
    method: 'POST',
    headers: { ...(await token.header()), 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify({ customerId: 'ana', lines: [{ productId: 'pan-integral', quantity: 1 }] }),
  });
  expect(order.status).toBe(201);
  await eventually(
    'both are shown as missing, and nothing else',
    () => {
      const { code, text } = eco('status', '--json', '--data', dir);
      const { processes } = JSON.parse(text) as { processes: { name: string; state: string; detail?: string }[] };
      expect(code).toBe(1);
      // Both are tried again. A damaged broker then waits for minutes for its tables before it ends.
      expect(processes.filter(({ state }) => state !== 'ready')).toEqual([
        expect.objectContaining({ name: 'broker-3', state: expect.stringMatching(/^(down|running)$/) as string }),
        expect.objectContaining({ name: 'g1-3', state: 'down', detail: expect.stringContaining('ended') as string }),
      ]);
      return true;
    },
    { deadlineMs: 240_000 },
  );
  second.process.kill('SIGINT');
  expect(await second.ended).toBe(0);
}, 900_000);
