/** Jest's JSON output, as far as a verdict needs it. */
export interface JestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
      readonly failureDetails?: readonly unknown[];
    }[];
  }[];
}

export type Verdict =
  | { readonly type: 'caught'; readonly by: string; readonly says: string }
  /** The tests ran and passed: the bug would go unnoticed. */
  | { readonly type: 'missed' }
  /** Nothing was shown: it was not built, did not start, or failed for another reason than expected. */
  | { readonly type: 'unclear'; readonly why: string };

/**
 * A bug is caught only if the named test failed at an assertion. A patch that does not compile, a server that does not
 * start, or another failing test shows nothing.
 */
export function verdictOf(test: string, report: JestReport): Verdict {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const named = results.filter(({ fullName }) => fullName.includes(test));
  if (named.length === 0) {
    const why = report.testResults.map(({ message }) => message).join('\n');
    return { type: 'unclear', why: why.trim() === '' ? `no test is called ${test}` : firstLines(why) };
  }
  const failed = named.filter(({ status }) => status === 'failed');
  if (failed.length === 0) {
    return named.some(({ status }) => status === 'passed')
      ? { type: 'missed' }
      : { type: 'unclear', why: `${test} did not run` };
  }
  const asserted = failed.find(({ failureMessages, failureDetails }) => {
    return (failureDetails ?? []).some(isAssertion) || (failureMessages ?? []).some((text) => ASSERTION.test(text));
  });
  const [message = ''] = (asserted ?? failed[0])?.failureMessages ?? [];
  if (asserted === undefined) return { type: 'unclear', why: firstLines(message) };
  return { type: 'caught', by: asserted.fullName, says: firstLines(message) };
}

/** Errors of `expect` contain the matcher's result. */
function isAssertion(detail: unknown): boolean {
  return typeof detail === 'object' && detail !== null && 'matcherResult' in detail;
}

/** Errors of `expect`, and a failed property of fast-check. */
const ASSERTION = /expect\(|Property failed after/;

function firstLines(text: string): string {
  return text
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(0, 4)
    .join(' | ');
}
