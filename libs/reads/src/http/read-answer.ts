import { headers, type ProblemName } from '@eco/contracts';
import { problem, type ProblemError } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';
import type { GroupAnswer, ReadFailure, Source } from '../group-reader.js';

/** Headers of every answer to a read, for the API document. */
export const READ_ANSWER_HEADERS = [headers.position, headers.source, headers.lagMs];

/** Problems of every read. */
export const READ_PROBLEMS = ['no-node', 'not-fresh', 'position-lost'] as const satisfies readonly ProblemName[];

/** When a reader should come again, s: nodes come up and catch up within about that. */
export const RETRY_AFTER_SECONDS = 1;
export const retryAfter = { [headers.retryAfter]: String(RETRY_AFTER_SECONDS) };

/**
 * Who answered, how late at the worst, and how far this answer sees: of each group that was read. Orders that it named
 * as pending stay in the position, so a reader that carries it on does not find them unknown.
 */
export function headersOf(sources: readonly Source[], pending: readonly string[] = []): Record<string, string> {
  const position = formatPosition(
    positionOf(
      sources.flatMap((source) => source.position ?? []),
      pending,
    ),
  );
  return {
    [headers.source]: sources.map(({ node, role }) => `${node} (${role})`).join(', '),
    [headers.lagMs]: String(Math.max(0, ...sources.map(({ lagMs }) => lagMs))),
    // A group without a writer so far has no position to give.
    ...(position === '' ? {} : { [headers.position]: position }),
  };
}

/** The answer, or the problem that says why there is none. */
export function answered<Row, Beside>(result: GroupAnswer<Row, Beside> | ReadFailure): GroupAnswer<Row, Beside> {
  if (result.type === 'answer') return result;
  throw problemOf(result);
}

function problemOf(failure: ReadFailure): ProblemError {
  switch (failure.type) {
    case 'no-node':
      return problem('no-node', { detail: failure.fault, headers: retryAfter });
    case 'not-fresh':
      return problem('not-fresh', {
        detail: `No node of group ${failure.group} has come up to ${textOf(failure)} in time`,
        headers: retryAfter,
      });
    case 'position-lost':
      return problem('position-lost', {
        detail: `${textOf(failure)} is not in the history of group ${failure.group}: forget it and read anew`,
      });
  }
}

function textOf({ group, wanted }: Extract<ReadFailure, { wanted: unknown }>): string {
  return formatPosition(positionOf([{ group, ...wanted }]));
}
