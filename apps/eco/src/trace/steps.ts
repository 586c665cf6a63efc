import type { DecidedCommand, KeptDeadLetter } from '@eco/database';
import { formatPosition, positionOf } from '@eco/routing';
import type { Ids } from './ids.js';
import type { LogLine } from './log-lines.js';

/** A step on the way of a request. */
export interface TraceStep {
  /** Begin, ms since 1970, by the clock of the machine that logged it, or of the group. */
  readonly atMs: number;
  /** Null: it is a moment. */
  readonly tookMs: number | null;
  /** Process, or group for what its rows show. */
  readonly where: string;
  readonly what: string;
}

/** The steps of these lines and rows, in order of time. */
export function stepsOf(
  ids: Ids,
  lines: readonly LogLine[],
  decided: readonly DecidedCommand[],
  letters: readonly KeptDeadLetter[],
): TraceStep[] {
  return [
    ...lines.flatMap((line) => stepsOfLine(ids, line)),
    ...decided.flatMap(stepsOfDecision),
    ...letters.map(stepOfLetter),
  ].sort((one, other) => one.atMs - other.atMs);
}

function stepsOfLine(ids: Ids, line: LogLine): TraceStep[] {
  const endMs = Date.parse(line.time);
  const where = line.name;
  if (line.msg === 'request') {
    const tookMs = Number(line['ms']);
    return [{ atMs: endMs - tookMs, tookMs, where, what: requestText(ids, line) }];
  }
  if (line.msg === 'batch') {
    const { load = 0, decide = 0, store = 0 } = line['ms'] as Partial<Record<string, number>>;
    const tookMs = load + decide + store;
    const commands = `${String(line['commands'])} ${line['commands'] === 1 ? 'command' : 'commands'}`;
    return [
      {
        atMs: endMs - tookMs,
        tookMs,
        where,
        what: `batch ${String(line['term'])}.${String(line['seq'])} of ${commands}: load ${load} ms, decide ${decide} ms`,
      },
      { atMs: endMs - store, tookMs: store, where, what: 'commit: stored, then acknowledged' },
    ];
  }
  const reason = line['reason'] ?? line['status'];
  return [{ atMs: endMs, tookMs: null, where, what: typeof reason === 'string' ? `${line.msg}: ${reason}` : line.msg }];
}

function requestText(ids: Ids, line: LogLine): string {
  const status = Number(line['status']);
  const problem = typeof line['problem'] === 'string' ? ` ${line['problem']}` : '';
  const text = `${String(line['method'])} ${String(line['url'])} → ${status}${problem}`;
  const isCommand = ids.correlationIds.has(String(line['correlationId'])) && line['method'] !== 'GET';
  if (!isCommand || status >= 300) return text;
  return line['durability'] === 'local'
    ? `${text}: kept in the journal of this process, which sends it later`
    : `${text}: confirmed by a majority of the brokers`;
}

function stepsOfDecision(decided: DecidedCommand): TraceStep[] {
  const { group, kind, status, decidedAt, term, tag, seq, topic, changeType, orderStatus } = decided;
  const atMs = decidedAt.getTime();
  const position = formatPosition(positionOf([{ group, term, tag, seq }]));
  const order = orderStatus === null ? '' : `; the order is ${orderStatus} now`;
  const moment = { atMs, tookMs: null, where: group };
  return [
    { ...moment, what: `${kind}: ${status} at position ${position}${order}` },
    ...(topic === null ? [] : [{ ...moment, what: `event ${changeType ?? ''} in the changes of topic ${topic}` }]),
    ...(topic === 'orders' ? [{ ...moment, what: statisticsText(decided) }] : []),
  ];
}

function statisticsText({ term, seq, statisticsTerm, statisticsSeq }: DecidedCommand): string {
  if (statisticsTerm === null || statisticsSeq === null) return 'statistics: nothing of this group is applied yet';
  const isApplied = statisticsTerm >= term && statisticsSeq >= seq;
  return isApplied ? 'statistics: applied' : `statistics: not applied yet; they are at batch ${statisticsSeq}`;
}

function stepOfLetter({ firstFailedAt, errorClass, state, reason, kind }: KeptDeadLetter): TraceStep {
  return {
    atMs: firstFailedAt.getTime(),
    tookMs: null,
    where: 'dead letters',
    what: `${kind ?? 'a command'} is a dead letter (${errorClass}, ${state}): ${reason}`,
  };
}
