import { accepted, refused } from './fixtures.js';
import { type LintError, lint } from './lint.js';

// Goal: every rule of eslint.config.mjs fires. All texts are linted once, then checked one by one.
describe('the rules', () => {
  let errorsOf: (fixture: object) => LintError[];

  beforeAll(() => {
    const fixtures = [...refused, ...accepted];
    const errors = lint(fixtures);
    errorsOf = (fixture) => errors[fixtures.findIndex((other) => other === fixture)] ?? [];
  }, 180_000);

  // ASVS 5.0: 15.3.5
  test.each(refused)('refuse $what', (fixture) => {
    const { ruleId, saying } = fixture;
    expect(errorsOf(fixture)).toContainEqual({ ruleId, message: expect.stringMatching(saying) as string });
  });

  test.each(accepted)('accept $what', (fixture) => {
    expect(errorsOf(fixture)).toEqual([]);
  });
});
