import { readdirSync, readlinkSync } from 'node:fs';
import { until } from '../until.js';
import { startOf } from './identity.js';

const ENDED_MS = 30_000;

/**
 * Kills every process that works in a folder. Resolves when none is left. A killed server leaves processes that nobody
 * can find as its descendants any more: they are frozen, or busy with a query. Only Linux shows the folder of a process.
 */
export async function endProcessesIn(dir: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const isEmpty = () => {
    const pids = processesIn(dir);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    return pids.length === 0;
  };
  await until(`processes in ${dir} did not end`, isEmpty, { deadlineMs: ENDED_MS });
}

function processesIn(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => folderOf(pid) === dir && startOf(pid) !== undefined);
}

/** Undefined: the process has ended, or another user's process hides it. */
function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}
