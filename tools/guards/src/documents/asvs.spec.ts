import { filesOf, readText } from '../repository.js';
import { asvsRequirements, numberedTests, readAsvsTable, type CoveringTest } from './asvs.js';

// references.spec.ts checks that the tests named by the page exist.
describe('docs/security.md', () => {
  const text = readText('docs/security.md');
  const { tested, reasoned, notYet, notApplicable, tests } = readAsvsTable(text);

  test('states each requirement of levels 1 and 2 once, and no other', () => {
    expect([...tested, ...reasoned, ...notYet, ...notApplicable].sort()).toEqual([...asvsRequirements].sort());
  });

  test('states the same counts as its tables have', () => {
    const applicable = tested.length + reasoned.length + notYet.length;
    expect(text.replace(/\s+/g, ' ')).toContain(
      `Of ${asvsRequirements.length} requirements, ${applicable} apply: ${tested.length} are covered by a test, ` +
        `${reasoned.length} hold for a stated reason, and ${notYet.length} are not met yet.`,
    );
  });

  test('names for each requirement the tests that carry its number, and no other', () => {
    const shown = (each: CoveringTest) => `${each.number}: ${each.file} › “${each.name}”`;
    const numbered = filesOf('*.spec.ts', '*.load.ts')
      // The source below, in this file, is an example.
      .filter((file) => !file.endsWith('documents/asvs.spec.ts'))
      .flatMap((file) => numberedTests(file, readText(file)));
    expect(numbered.map(shown).sort()).toEqual(tests.map(shown).sort());
  });
});

test('the numbers of a test are in the comment before it', () => {
  const source = [
    '// ASVS 5.0: 1.2.4, 2.2.1',
    "it.each([1, 2])('can\\'t %s', f);",
    'describe("all", () => {',
    '  // A reason. ASVS 5.0: 8.2.2',
    '  it(`refuses ${what}`, f);',
    "  it('has no number', f);",
    '});',
  ].join('\n');
  expect(numberedTests('a.spec.ts', source)).toEqual([
    { number: '1.2.4', file: 'a.spec.ts', name: "can't %s" },
    { number: '2.2.1', file: 'a.spec.ts', name: "can't %s" },
    { number: '8.2.2', file: 'a.spec.ts', name: 'refuses ${what}' },
  ]);
});

describe('readAsvsTable', () => {
  const row = (number: string, evidence: string) => `| ${number} | a requirement | ${evidence} |\n`;

  test('distinguishes tests, reasons, gaps and requirements that do not apply', () => {
    const rows =
      row('1.1.1', '`a/a.spec.ts` › “holds”') + row('1.1.2', 'There is none.') + row('1.2.1', '**Not yet:** x.');
    expect(readAsvsTable(`${rows}\n## What does not apply\n\n- No XML: 1.5.1, 1.5.2.\n`)).toEqual({
      tested: ['1.1.1'],
      reasoned: ['1.1.2'],
      notYet: ['1.2.1'],
      notApplicable: ['1.5.1', '1.5.2'],
      tests: [{ number: '1.1.1', file: 'a/a.spec.ts', name: 'holds' }],
    });
  });

  test('does not count a row without evidence', () => {
    expect(readAsvsTable(row('1.1.1', ' '))).toEqual({
      tested: [],
      reasoned: [],
      notYet: [],
      notApplicable: [],
      tests: [],
    });
  });
});
