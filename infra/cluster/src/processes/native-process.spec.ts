import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '@eco/testing';
import { isSameProcess, startOf } from './identity.js';
import { NativeProcess, ProcessError, type ProcessSpec } from './native-process.js';
import { treeOf } from './process-tree.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-process-'));
const begun: NativeProcess[] = [];
/** Pids of all processes started one after the other. */
const pids: number[] = [];
afterEach(async () => {
  pids.length = 0;
  for (const process of begun.splice(0)) {
    process.kill('SIGKILL');
    await process.ended();
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

function shell(script: string, more: Partial<ProcessSpec> = {}): NativeProcess {
  const spec: ProcessSpec = {
    name: 'shell',
    stage: 'APIs',
    command: 'sh',
    args: ['-c', script],
    env: { PATH: process.env.PATH ?? '' },
    cwd: dir,
    logFile: path.join(dir, 'shell.log'),
    stopSignal: 'SIGTERM',
    stopMs: 10_000,
    ready: () => Promise.resolve(true),
    readyMs: 10_000,
    ...more,
  };
  const created = new NativeProcess(spec, { started: (process) => pids.push(process.pid), ended: () => undefined });
  begun.push(created);
  return created;
}

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2];

test('a process that ends before it is ready is reported with its exit code and the end of its log', async () => {
  const process = shell('echo no disk left; exit 3', { ready: () => Promise.resolve(false) });
  await expect(process.start()).rejects.toThrow(ProcessError);
  const again = shell('echo no disk left; exit 3', { ready: () => Promise.resolve(false) });
  await expect(again.start()).rejects.toThrow(/shell ended \(code 3\)[^]*no disk left/);
});

describe('a process that may end before it is ready', () => {
  const failsTwice = 'echo x >> $0.tries; [ $(wc -l < $0.tries) -gt 2 ] || exit 3; exec sleep 1000';
  let attempts = 0;
  const failing = (startTries: number) => {
    const tries = path.join(dir, `attempt-${(attempts += 1)}`);
    const ready = async (pid: number) => pid === pids[2];
    return shell(failsTwice, { args: ['-c', failsTwice, tries], ready, startTries });
  };

  test('is restarted as often as allowed', async () => {
    await failing(3).start();
    expect(pids).toHaveLength(3);
    pids.length = 0;
    await expect(failing(2).start()).rejects.toThrow(/shell ended \(code 3\)/);
    expect(pids).toHaveLength(2);
  });

  test('is not restarted if it was stopped', async () => {
    const process = shell('exec sleep 1000', { ready: () => Promise.resolve(false), startTries: 3 });
    const started = process.start();
    started.catch(() => undefined);
    await eventually('its beginning', () => process.running);
    await process.stop();
    await expect(started).rejects.toThrow(ProcessError);
    expect(pids).toHaveLength(1);
  });
});

test('of a long log the lines with errors are reported', async () => {
  const script = 'echo FATAL: the port is taken; for i in $(seq 100); do echo going down; done';
  const process = shell(script, { ready: () => Promise.resolve(false) });
  await expect(process.start()).rejects.toThrow(/FATAL: the port is taken$/);
});

test('a process that is not ready in time is reported', async () => {
  const process = shell('echo working; exec sleep 100', { ready: () => Promise.resolve(false), readyMs: 200 });
  await expect(process.start()).rejects.toThrow(/shell was not ready within 0.2 s[^]*working/);
});

test('a process that does not stop is killed with everything that it started', async () => {
  const process = shell('trap "" TERM; sleep 1000 & wait; sleep 1000', { stopMs: 200 });
  await process.start();
  const tree = await eventually('its child', () => {
    const tree = treeOf(process.pid);
    return tree.length === 2 && tree;
  });
  await process.stop();
  expect(process.running).toBe(false);
  await eventually('the end of its child', () => tree.every((pid) => startOf(pid) === undefined));
});

test('a pause stalls a process and everything it started, and the process can still be ended', async () => {
  const process = shell("trap 'kill $!; exit' TERM; sleep 1000 & wait");
  await process.start();
  const tree = await eventually('its child', () => {
    const tree = treeOf(process.pid);
    return tree.length === 2 && tree;
  });
  await process.pause();
  expect(tree.map(stateOf)).toEqual(['T', 'T']);
  process.resume();
  await eventually('both continue', () => tree.every((pid) => stateOf(pid) !== 'T'));
  await process.pause();
  await process.stop();
  expect(process.running).toBe(false);
});

test('a pause has stopped every thread when it is done', async () => {
  // Sixteen workers that never rest: more threads than cores, so some wait for a core when the signal arrives.
  const busy = `const { Worker } = require('node:worker_threads');
    for (let i = 0; i < 16; i += 1) new Worker('for (;;);', { eval: true }).on('online', () => console.log('online'));`;
  const process = shell(busy, {
    command: globalThis.process.execPath,
    args: ['-e', busy],
    readyMs: 60_000,
    ready: async () => (readFileSync(process.spec.logFile, 'utf8').match(/online/g) ?? []).length === 16,
  });
  await process.start();
  await process.pause();
  const states = readdirSync(`/proc/${process.pid}/task`).map((thread) =>
    readFileSync(`/proc/${process.pid}/task/${thread}/stat`, 'utf8').replace(/^.*\) (.).*$/s, '$1'),
  );
  expect(states.length).toBeGreaterThan(16);
  expect(new Set(states)).toEqual(new Set(['T']));
});

test('a restart makes a new process and keeps the log of the old one', async () => {
  const process = shell('echo $$; exec sleep 1000');
  const untilItLogged = () =>
    eventually(
      'its own pid in the log',
      () => readFileSync(process.spec.logFile, 'utf8').trim() === String(process.pid),
    );
  await process.start();
  const { pid, begun: start } = process;
  await untilItLogged();
  expect(isSameProcess({ pid, start })).toBe(true);
  await process.restart();
  expect(process.pid).not.toBe(pid);
  expect(isSameProcess({ pid, start })).toBe(false);
  await untilItLogged();
  expect(readFileSync(`${process.spec.logFile}.before`, 'utf8').trim()).toBe(String(pid));
});

test('start and stop may be called twice, early and together', async () => {
  const process = shell('exec sleep 1000');
  await process.stop();
  await Promise.all([process.start(), process.start()]);
  await process.start();
  expect(pids).toEqual([process.pid]);
  await Promise.all([process.stop(), process.stop()]);
  await process.stop();
  expect(process.running).toBe(false);
});
