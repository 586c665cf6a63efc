import { accepted, refused } from './fixtures.js';
import { type Fault, lint } from './lint.js';

// Goal: no rule of eslint.config.mjs is one that never fires. All texts are linted once, then looked at one by one.
describe('the rules', () => {
  let faultsOf: (fixture: object) => Fault[];

  beforeAll(() => {
    const fixtures = [...refused, ...accepted];
    const faults = lint(fixtures);
    faultsOf = (fixture) => faults[fixtures.findIndex((other) => other === fixture)] ?? [];
  }, 180_000);

  test.each(refused)('refuse $what', (fixture) => {
    const { ruleId, saying } = fixture;
    expect(faultsOf(fixture)).toContainEqual({ ruleId, message: expect.stringMatching(saying) as string });
  });

  test.each(accepted)('let pass $what', (fixture) => {
    expect(faultsOf(fixture)).toEqual([]);
  });
});
