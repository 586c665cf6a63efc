import { problemTypes, PROBLEM_URN, type Violation, type Problem, type ProblemName } from '@eco/contracts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Most violations in one response; a body of 10,000 bad lines does not get 10,000. */
const FAULTS_MAX = 100;

export interface ProblemDetails {
  /** A sentence about this case. */
  readonly detail?: string;
  /** Every violation of the request. */
  readonly faults?: readonly Violation[];
  /** Headers of the response. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Members that only this problem type has, such as the short lines of a rejected order. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * An RFC 9457 problem as the response. It is thrown at the edge only: code below it returns outcomes, and the edge has
 * one table from those to problems.
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;

  constructor(
    readonly problem: ProblemName,
    readonly details: ProblemDetails = {},
  ) {
    super(details.detail ?? problemTypes[problem].title, { cause: details.cause });
    this.status = problemTypes[problem].status;
  }
}

export function problem(name: ProblemName, details?: ProblemDetails): ProblemError {
  return new ProblemError(name, details);
}

/** The body of the response. `instance` is the requested path. */
export function problemBody(
  error: ProblemError,
  request: { readonly instance?: string; readonly correlationId?: string },
): Problem {
  const { detail, faults, members } = error.details;
  return {
    type: `${PROBLEM_URN}${error.problem}`,
    title: problemTypes[error.problem].title,
    status: error.status,
    detail,
    ...request,
    faults: faults === undefined ? undefined : capped(faults),
    ...members,
  };
}

function capped(faults: readonly Violation[]): Violation[] {
  if (faults.length <= FAULTS_MAX) return [...faults];
  return [...faults.slice(0, FAULTS_MAX), { at: '', message: `and ${faults.length - FAULTS_MAX} more violations` }];
}
