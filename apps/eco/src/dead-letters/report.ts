import { whole } from '../input.js';
import { tableOf } from '../text-table.js';
import type { KeptDeadLetter } from '@eco/database';
import type { DeadLetterResult } from './admin.js';
import type { Command } from '@eco/contracts';
import type { Replayable } from './replay.js';

export type PossibleAction = Replayable | { type: 'discard'; command: Command; isLate: boolean };

const REASON_LENGTH = 100;

/** Shows the matching dead letters and the action on them. */
export class Report {
  readonly #groups = new Map<string, number>();
  readonly counts = { matching: 0, possible: 0, late: 0 };
  readonly #whyNot = new Set<string>();
  readonly #action: 'replay' | 'discard';

  constructor(action: 'replay' | 'discard') {
    this.#action = action;
  }

  add(letter: KeptDeadLetter, request: PossibleAction): void {
    this.counts.matching += 1;
    if (request.type === 'no-command') {
      this.#whyNot.add(request.why);
      return;
    }
    this.counts.possible += 1;
    if (request.isLate) this.counts.late += 1;
    const group = JSON.stringify([letter.errorClass, letter.place, letter.kind ?? '']);
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
  }

  get text(): string {
    if (this.counts.matching === 0) return 'no open dead letter matches';
    const rows = [...this.#groups].map(([group, count]) => [...(JSON.parse(group) as string[]), whole(count)]);
    return [
      ...(rows.length === 0 ? [] : [tableOf(['class', 'place', 'kind', `>would ${this.#action}`], rows)]),
      ...this.notes,
      'nothing was done: say --yes to do it',
    ].join('\n');
  }

  get notes(): string[] {
    const { matching, possible, late } = this.counts;
    return [
      ...(possible < matching
        ? [`${whole(matching - possible)} of ${whole(matching)} can only be discarded: ${[...this.#whyNot].join('; ')}`]
        : []),
      ...(late > 0
        ? [`${whole(late)} are past the time that their senders gave them, or older than 90 days: they will expire`]
        : []),
    ];
  }
}

export function resultText(action: string, results: readonly DeadLetterResult[], report: Report): string {
  if (results.length === 0)
    return [report.counts.matching === 0 ? 'no open dead letter matches' : '', ...report.notes].join('\n').trim();
  const counts = new Map<string, { count: number; reason: string }>();
  for (const { result, reason } of results) {
    const before = counts.get(result);
    counts.set(result, { count: (before?.count ?? 0) + 1, reason: before?.reason ?? reason ?? '' });
  }
  const rows = [...counts].map(([result, { count, reason }]) => [result, whole(count), short(reason)]);
  return [tableOf([`${action}: what became of it`, '>letters', 'the first reason'], rows), ...report.notes].join('\n');
}

export function briefly({ group, letter, result, reason }: DeadLetterResult & { group: string }) {
  return { group, commandId: letter.commandId, bodyHash: letter.bodyHash, result, reason };
}

export function short(text: string): string {
  return text.length <= REASON_LENGTH ? text : `${text.slice(0, REASON_LENGTH)} …`;
}
