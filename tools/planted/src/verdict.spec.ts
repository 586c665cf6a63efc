import { verdictOf, type JestReport } from './verdict.js';

const result = (fullName: string, status: string, failureMessages: string[] = [], failureDetails: unknown[] = []) => ({
  ...{ fullName, status, failureMessages, failureDetails },
});
const reportOf = (...assertionResults: ReturnType<typeof result>[]): JestReport => ({
  numPassedTests: assertionResults.filter(({ status }) => status === 'passed').length,
  testResults: [{ message: '', assertionResults }],
});

it.each([
  ['its matcher failed', 'Error: 1 is not 2', [{ matcherResult: { pass: false } }]],
  ['it says what it expected', 'Error: expect(received).toBe(expected)', []],
  ['a property does not hold', 'Error: Property failed after 3 tests', []],
])('is caught when the named test fails: %s', (_how, message, details) => {
  const verdict = verdictOf('holds', reportOf(result('it holds', 'failed', [message], details)));
  expect(verdict).toMatchObject({ type: 'caught', by: 'it holds' });
});

it('is missed when the named test passes, even if others fail', () => {
  const other = result('another', 'failed', ['Error: expect(received).toBe(expected)']);
  expect(verdictOf('holds', reportOf(result('it holds', 'passed'), other))).toEqual({ type: 'missed' });
});

it.each<[string, JestReport]>([
  ['it failed at something that it does not assert', reportOf(result('it holds', 'failed', ['Error: ECONNREFUSED']))],
  ['it waited in vain', reportOf(result('it holds', 'failed', ['Error: Waited 60000 ms for: a server']))],
  ['it did not run', reportOf(result('it holds', 'pending'))],
  ['there is no such test', reportOf(result('another', 'passed'))],
  [
    'the file could not be read',
    { numPassedTests: 0, testResults: [{ message: 'SyntaxError', assertionResults: [] }] },
  ],
])('shows nothing when %s', (_why, report) => {
  expect(verdictOf('holds', report).type).toBe('unclear');
});
