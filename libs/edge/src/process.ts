import { ConfigError } from './config/config.js';
import { StartError } from './service.js';

const NODE_MAJOR_MIN = 24;
/** A stop that takes longer than this has hung, ms. */
const STOP_MS = 5_000;

/** Exit codes, as in sysexits.h. */
export const EXIT = { failed: 1, unavailable: 69, config: 78 } as const;

/**
 * Runs a process until a signal stops it. Resolves with the exit code, and never rejects: the caller, a `main.ts`,
 * passes it to `process.exit`, which no library calls.
 */
export async function runProcess(start: () => Promise<{ stop(): Promise<void> }>): Promise<number> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    say(`Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}`);
    return EXIT.config;
  }
  const signal = stopSignal();
  try {
    const running = await start();
    await signal;
    return await stopInTime(running);
  } catch (error) {
    say(error instanceof ConfigError || error instanceof StartError ? error.message : describe(error));
    if (error instanceof ConfigError) return EXIT.config;
    return error instanceof StartError ? EXIT.unavailable : EXIT.failed;
  }
}

/** Resolves at the first SIGTERM or SIGINT, also one that comes while the process is still starting. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

async function stopInTime(running: { stop(): Promise<void> }): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(() => {
      say(`did not stop within ${STOP_MS} ms`);
      resolve(EXIT.failed);
    }, STOP_MS);
  });
  const code = await Promise.race([running.stop().then(() => 0), late]);
  clearTimeout(timer);
  return code;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
