import { readText } from '../repository.js';
import { asvsRequirements, readAsvsTable } from './asvs.js';

// references.spec.ts checks that the tests named by the page exist.
describe('docs/security.md', () => {
  const text = readText('docs/security.md');
  const { tested, reasoned, notYet, notApplicable } = readAsvsTable(text);

  test('states each requirement of levels 1 and 2 once, and no other', () => {
    expect([...tested, ...reasoned, ...notYet, ...notApplicable].sort()).toEqual([...asvsRequirements].sort());
  });

  test('counts them as its tables do', () => {
    const applicable = tested.length + reasoned.length + notYet.length;
    expect(text.replace(/\s+/g, ' ')).toContain(
      `Of ${asvsRequirements.length} requirements, ${applicable} apply: ${tested.length} are covered by a test, ` +
        `${reasoned.length} hold for a stated reason, and ${notYet.length} are not met yet.`,
    );
  });
});

describe('readAsvsTable', () => {
  const row = (number: string, evidence: string) => `| ${number} | a requirement | ${evidence} |\n`;

  test('distinguishes tests, reasons, gaps and what does not apply', () => {
    const rows =
      row('1.1.1', '`a.spec.ts` › “holds”') + row('1.1.2', 'There is none.') + row('1.2.1', '**Not yet:** x.');
    expect(readAsvsTable(`${rows}\n## What does not apply\n\n- No XML: 1.5.1, 1.5.2.\n`)).toEqual({
      tested: ['1.1.1'],
      reasoned: ['1.1.2'],
      notYet: ['1.2.1'],
      notApplicable: ['1.5.1', '1.5.2'],
    });
  });

  test('counts no row without evidence', () => {
    expect(readAsvsTable(row('1.1.1', ' '))).toEqual({ tested: [], reasoned: [], notYet: [], notApplicable: [] });
  });
});
