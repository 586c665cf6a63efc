import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * A program in a separate process, so that its CPU time can be measured. It gets its settings by a message, because no
 * argument or environment may contain passwords. It reports its port, and ends with this process in any case.
 */
export interface ForkedProgram {
  readonly pid: number;
  readonly url: string;
  end(): Promise<void>;
}

export async function startProgram<Settings extends object>(
  file: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<ForkedProgram> {
  const child = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], signal, killSignal: 'SIGKILL' });
  child.send(settings);
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error(`${file} ended before it listened`);
    }),
  ])) as [{ port: number }];
  // An abort kills the program. Waiting code sees the signal itself.
  child.on('error', () => undefined);
  return { pid: child.pid ?? 0, url: `http://127.0.0.1:${message.port}`, end: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** The other end of a forked program. `serve` starts to listen and returns its port. */
export function beProgram<Settings>(serve: (settings: Settings) => Promise<number>): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (settings: Settings) => {
    void serve(settings).then((port) => process.send?.({ port }));
  });
}
