import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Signals a process. SIGKILL, SIGSTOP and SIGCONT also reach everything that it started, as if its machine were
 * affected: PostgreSQL's processes each have their own group, so a signal to the first one's group would miss them.
 * Ended processes are skipped.
 */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  const whole = signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT';
  for (const each of whole ? treeOf(pid) : [pid]) {
    try {
      process.kill(each, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
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
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
        return [[Number(name), Number(parent)] as [number, number]];
      } catch {
        return [];
      }
    });
}
