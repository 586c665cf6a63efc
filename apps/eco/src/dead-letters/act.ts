import { sleep } from '@eco/base';
import { readDeadLetter, type DeadLetterFilter, type KeptDeadLetter } from '@eco/database';
import { BadInput, json } from '../input.js';
import type { DeadLetterAdmin, DeadLetterRequest, DeadLetterResult } from './admin.js';
import { discardOf, replayOf } from './replay.js';
import { briefly, Report, resultText, type PossibleAction } from './report.js';

const EXIT_NOT_SETTLED = 1;

/** What an operator asks for. */
export interface AskedAction {
  readonly action: 'replay' | 'discard';
  readonly filter: DeadLetterFilter;
  /** Most dead letters per second. */
  readonly rate: number;
  /** The operator. */
  readonly by: string;
  readonly reason: string;
  /** False: only show what would be done. */
  readonly isDone: boolean;
  readonly asJson: boolean;
}

/** Replays or discards the dead letters that match, and returns the text about it. Throws BadInput for an unknown id. */
export async function act(
  admin: DeadLetterAdmin,
  { action, filter, rate, by, reason, isDone, asJson }: AskedAction,
): Promise<string> {
  const results: (DeadLetterResult & { group: string })[] = [];
  const report = new Report(action);
  for (const group of admin.groups) {
    let slice: DeadLetterRequest[] = [];
    const send = async () => {
      const startedMs = performance.now();
      const done = await admin.ask(group, slice);
      results.push(...done.map((result) => ({ group, ...result })));
      slice = [];
      await sleep(1000 - (performance.now() - startedMs));
    };
    for await (const letter of admin.open(group, filter)) {
      const request = requestOf(action, letter, { by, reason });
      report.add(letter, request);
      if (request.type === 'no-command' || !isDone) continue;
      slice.push({ letter, command: request.command });
      if (slice.length >= rate) await send();
    }
    if (slice.length > 0) await send();
  }
  if (report.counts.matching === 0 && filter.commandId !== undefined) await refuseUnknown(admin, filter.commandId);
  const isRefused = isDone && filter.commandId !== undefined && report.counts.possible < report.counts.matching;
  if (isRefused || results.some(({ isSettled }) => !isSettled)) process.exitCode = EXIT_NOT_SETTLED;
  if (asJson) return json({ action, by, done: isDone, ...report.counts, results: results.map(briefly) });
  return isDone ? resultText(action, results, report) : report.text;
}

/** An id that matches nothing is a mistake of the operator, unless its dead letter was closed before. */
async function refuseUnknown(admin: DeadLetterAdmin, commandId: string): Promise<void> {
  const states: string[] = [];
  for (const group of admin.groups) {
    const { letters } = await readDeadLetter(await admin.primary(group), commandId);
    states.push(...letters.map(({ state }) => state));
  }
  if (states.length === 0) throw new BadInput(`there is no dead letter of the command ${commandId}`);
  if (states.includes('open')) {
    throw new BadInput(`the dead letter of the command ${commandId} is open, and does not match the other options`);
  }
}

function requestOf(
  action: 'replay' | 'discard',
  letter: KeptDeadLetter,
  asked: { by: string; reason: string },
): PossibleAction {
  if (action === 'replay') return replayOf(letter, asked.by);
  return { type: 'discard', command: discardOf(letter, asked), isLate: false };
}
