import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time by component, from /proc (Linux only; unknown elsewhere). A component is one or more processes with all
 * their descendants: a process that ended meanwhile counts in the parent that reaped it.
 */
export type CpuMs = Readonly<Record<string, number>>;

/** Name of a component → its processes. */
export type Components = Readonly<Record<string, readonly number[]>>;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process and of its reaped children, in ticks. */
  readonly ticks: number;
}

/** Linux reports ticks of 1/100 s to user space on every machine (USER_HZ, proc(5)). */
const TICK_MS = 10;

/** CPU time on all cores together, including that of other programs. */
const MACHINE = 'machine';

export function sampleCpu(components: Components): CpuMs | undefined {
  if (process.platform !== 'linux') return undefined;
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readStat(readFileSync(`/proc/${name}/stat`, 'utf8'))];
      } catch {
        // The process has ended.
        return [];
      }
    });
  const sums = Object.entries(components).map(([name, roots]) => [name, ticksOf(stats, roots) * TICK_MS] as const);
  return { ...Object.fromEntries(sums), [MACHINE]: readBusyTicks(readFileSync('/proc/stat', 'utf8')) * TICK_MS };
}

/** Parses /proc/<pid>/stat. The program's name in brackets may itself contain blanks and brackets. */
export function readStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number) as [number, number, number, number];
  return { pid: Number.parseInt(text, 10), parent: Number(fields[1]), ticks: utime + stime + cutime + cstime };
}

/** From /proc/stat, all cores: without idle time, disk waits, and time stolen by other machines. */
export function readBusyTicks(text: string): number {
  const [user, nice, system, , , irq, softirq] = (/^cpu +(.*)$/m.exec(text)?.[1] ?? '').split(' ').map(Number);
  return [user, nice, system, irq, softirq].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}

/** CPU time of the roots and all their descendants. */
export function ticksOf(stats: readonly ProcessStat[], roots: readonly number[]): number {
  let ticks = 0;
  for (const stat of stats) {
    if (!roots.includes(stat.pid)) continue;
    const children = stats.filter(({ parent }) => parent === stat.pid).map(({ pid }) => pid);
    ticks += stat.ticks + ticksOf(stats, children);
  }
  return ticks;
}

export const OTHERS = 'others';

/** CPU time per order of each component, µs; `others`: the machine without them. */
export function cpuMicrosPerOrder(before: CpuMs, after: CpuMs, orders: number): CpuMs {
  const taken = Object.keys(after).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const);
  const ours = taken.filter(([name]) => name !== MACHINE);
  const all = taken.find(([name]) => name === MACHINE)?.[1] ?? 0;
  const rest = Math.max(0, all - ours.reduce((sum, [, ms]) => sum + ms, 0));
  return Object.fromEntries([...ours, [OTHERS, rest] as const].map(([name, ms]) => [name, (ms * 1000) / orders]));
}

/** Share of other processes in all CPU time, 0 to 1. Undefined if unknown. */
export function othersShare(cpuMicros: CpuMs): number | undefined {
  const all = Object.values(cpuMicros).reduce((sum, micros) => sum + micros, 0);
  const others = cpuMicros[OTHERS];
  return others === undefined || all === 0 ? undefined : others / all;
}
