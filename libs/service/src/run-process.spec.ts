import { StartError } from '@eco/base';
import { ConfigError } from './config/config.js';
import { EXIT, runProcess } from './run-process.js';

let said: string;
beforeEach(() => {
  said = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => jest.restoreAllMocks());

it('names every violation of the settings, without a stack', async () => {
  const violations = ['ECO_PORT is missing', 'ECO_NAME is missing'];
  expect(await runProcess(() => Promise.reject(new ConfigError(violations)))).toBe(EXIT.config);
  expect(said).toBe('The settings are not right:\n  ECO_PORT is missing\n  ECO_NAME is missing\n');
});

it('states in one line why it could not start', async () => {
  expect(await runProcess(() => Promise.reject(new StartError('port 8000 is taken')))).toBe(EXIT.unavailable);
  expect(said).toBe('port 8000 is taken\n');
});

it('shows the stack of a bug', async () => {
  expect(await runProcess(() => Promise.reject(new TypeError('a bug')))).toBe(EXIT.failed);
  expect(said).toContain('process.spec.ts');
});

it.each(['SIGTERM', 'SIGINT'] as const)('stops at %s, with the matching exit code', async (signal) => {
  let stops = 0;
  const stop = async () => void (stops += 1);
  const code = runProcess(async () => {
    // The signal is sent while the process still starts. The process finishes its start, then stops.
    process.emit(signal, signal);
    return { stop };
  });
  expect(await code).toBe(0);
  expect(stops).toBe(1);
});

it('does not wait for a stop that hangs', async () => {
  const start = async () => {
    process.emit('SIGTERM', 'SIGTERM');
    return { stop: () => new Promise<void>(() => undefined) };
  };
  expect(await runProcess(start, { stopMs: 50 })).toBe(EXIT.failed);
  expect(said).toBe('did not stop within 50 ms\n');
});

it('leaves no listener behind', async () => {
  const before = process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');
  await runProcess(() => Promise.reject(new StartError('x')));
  expect(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')).toBe(before);
});
