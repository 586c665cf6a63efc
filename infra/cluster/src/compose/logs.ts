import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PROJECT_DIR } from '../description.js';
import { ComposeFailed, ended } from './compose.js';

/**
 * Calls `take` with each line of these services' logs. `lines`: at most so many of those that are there; undefined: all.
 * Resolves at the end of the logs; if they are followed, when `signal` aborts.
 */
export async function followComposeLogs(
  services: readonly string[],
  { isFollowed, lines }: { readonly isFollowed: boolean; readonly lines: number | undefined },
  take: (service: string, line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const args = ['compose', 'logs', '--no-color', ...(isFollowed ? ['--follow'] : [])];
  args.push(...(lines === undefined ? [] : ['--tail', String(lines)]), ...services);
  const child = spawn('docker', args, { cwd: PROJECT_DIR, stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  const end = ended(child);
  try {
    for await (const text of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const { service, line } = parseLogLine(text);
      take(service, line);
    }
    const [code, by] = await end;
    if (code !== 0 && !signal.aborted) throw new ComposeFailed(`docker ${args.join(' ')} ended with ${code ?? by}`);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Compose begins each line with the service and the number of its container: `central-api-1-1  | {"level":…`. */
export function parseLogLine(text: string): { service: string; line: string } {
  const [, service = '', line = text] = /^(\S+?)-\d+\s*\| ?(.*)$/s.exec(text) ?? [];
  return { service, line };
}
