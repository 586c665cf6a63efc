import type { Recovery } from './fault.js';
import type { Checked } from './stored.js';
import type { Window } from './window.js';

/** Observations of one fault, for the final table. */
export interface Seen {
  readonly name: string;
  readonly recovery: Recovery;
  readonly window: Window;
  readonly checked: Checked;
}

/** A table with one line per fault. Times are in ms, the recovery in seconds. */
export function tableOf(seen: readonly Seen[]): string {
  const head = [
    'fault',
    'recovery',
    'accepted',
    'local',
    'other answers',
    'longest gap',
    'undecided',
    'p50',
    'p99',
    'rows',
    'checks',
  ];
  const rows = seen.map(({ name, recovery, window, checked }) => [
    name,
    recoveryText(recovery),
    String(window.acceptedCount),
    String(window.localCount),
    String([...window.refusals.values()].reduce((sum, count) => sum + count, 0)),
    `${Math.round(window.longestGapMs)} ms`,
    `${Math.round(window.longestUndecidedMs)} ms`,
    `${Math.round(window.percentileMs(0.5))} ms`,
    `${Math.round(window.percentileMs(0.99))} ms`,
    String(checked.rows),
    checked.faults.length === 0 ? `${checked.checks} hold` : `${checked.faults.length} broken`,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function recoveryText({ what, tookMs }: Recovery): string {
  const sorted = [...tookMs].sort((one, other) => one - other);
  const seconds = (ms = 0) => `${(ms / 1000).toFixed(1)} s`;
  const worst = sorted.at(-1);
  if (sorted.length < 2) return `${what} in ${seconds(worst)}`;
  return `${what} in ${seconds(sorted[Math.floor(sorted.length / 2)])}, at worst ${seconds(worst)} of ${sorted.length}`;
}
