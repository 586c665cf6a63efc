import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../until.js';

/**
 * Signals a process. SIGKILL and SIGCONT also reach everything that it started, as if its machine were affected:
 * PostgreSQL's processes each have their own group, so a signal to the first one's group would miss them. Ended
 * processes are skipped.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  const whole = signal === 'SIGKILL' || signal === 'SIGCONT';
  for (const each of whole ? treeOf(pid) : [pid]) signalOne(each, signal);
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const PAUSE_DEADLINE_MS = 30_000;

/**
 * Stops a process and everything that it started (SIGSTOP), and resolves when none of them runs. The signal alone is
 * not enough: on two full cores a process of 11 threads went on for up to 27 ms, long enough for a broker to confirm.
 * The search is repeated, because a process can start another one until it has stopped.
 */
export async function pauseTree(pid: number): Promise<void> {
  await until(
    `process ${pid} has not stopped`,
    () => {
      const running = treeOf(pid).filter(runs);
      for (const each of running) signalOne(each, 'SIGSTOP');
      return running.length === 0;
    },
    { deadlineMs: PAUSE_DEADLINE_MS, pauseMs: 2 },
  );
}

/** Whether a thread of the process is neither stopped nor ended. */
function runs(pid: number): boolean {
  return statesOf(pid).some((state) => !/^[TtZX]/.test(state));
}

/** The states of the threads of a process, as `ps` names them. None if it has ended. */
function statesOf(pid: number): string[] {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout.trim() === '' ? [] : [stdout.trim()];
  }
  return filesOf(`/proc/${pid}/task`).flatMap((thread) => statOf(`/proc/${pid}/task/${thread}/stat`).slice(0, 1));
}

/** The pids of a process and of all its descendants, itself first. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const tree: number[] = [];
  const visit = (each: number) => {
    tree.push(each);
    children.get(each)?.forEach(visit);
  };
  visit(pid);
  return tree;
}

function parents(): [pid: number, parent: number][] {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  return filesOf('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = statOf(`/proc/${name}/stat`)[1];
      return parent === undefined ? [] : [[Number(name), Number(parent)] as [number, number]];
    });
}

/** The names in a folder; none if it is gone. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The fields of a `stat` file of /proc from the state on; none if the process has ended. */
function statOf(file: string): string[] {
  try {
    const stat = readFileSync(file, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
