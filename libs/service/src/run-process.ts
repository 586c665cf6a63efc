import { StartError, within } from '@eco/base';
import { ConfigError } from './config/config.js';
import { mappedStack } from './mapped-stack.js';

const NODE_MAJOR_MIN = 24;
/** A stop that takes longer than this has stalled, ms. */
const STOP_MS = 5_000;

/** Exit codes, as in sysexits.h. */
export const EXIT = { failed: 1, unavailable: 69, config: 78 } as const;

/**
 * Runs a process until a signal stops it. Resolves with the exit code, and never rejects: the caller, a `main.ts`,
 * passes it to `process.exit`, which no library calls.
 */
export async function runProcess(
  start: () => Promise<{ stop(): Promise<void> }>,
  { stopMs = STOP_MS } = {},
): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    say(`Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}`);
    return EXIT.config;
  }
  // If standard output can't be written, for example on a full disk, Node would end the process.
  process.stderr.on('error', ignoreError);
  // Before Node prints an error that nobody has caught.
  process.on('uncaughtExceptionMonitor', mapStack);
  const signal = new StopSignal();
  try {
    const running = await start();
    await signal.came;
    return await stopInTime(running, stopMs);
  } catch (error) {
    say(error instanceof ConfigError || error instanceof StartError ? error.message : describe(error));
    if (error instanceof ConfigError) return EXIT.config;
    return error instanceof StartError ? EXIT.unavailable : EXIT.failed;
  } finally {
    signal.ignore();
    process.off('uncaughtExceptionMonitor', mapStack);
    // A later write to standard error may fail too, and then nobody is left to report it to.
    setImmediate(() => process.stderr.off('error', ignoreError)).unref();
  }
}

function ignoreError(): void {}

function mapStack(error: Error): void {
  if (error instanceof Error && error.stack !== undefined) error.stack = mappedStack(error.stack);
}

/** The first SIGTERM or SIGINT, even while the process is still starting. A second one ends it at once. */
class StopSignal {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly came = new Promise<void>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      this.#listeners.set(name, resolve);
      process.once(name, resolve);
    }
  });

  ignore(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }
}

function stopInTime(running: { stop(): Promise<void> }, stopMs: number): Promise<number> {
  const stopped = running.stop().then(() => 0);
  return within(stopMs, stopped, () => {
    say(`did not stop within ${stopMs} ms`);
    return EXIT.failed;
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? mappedStack(error.stack ?? error.message) : String(error);
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
