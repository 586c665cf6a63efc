import requirements from './asvs.json';

/** Every requirement of levels 1 and 2 of OWASP ASVS 5.0.0, such as `8.2.1`. */
export const asvsRequirements = Object.entries(requirements.sections).flatMap(([section, numbers]) =>
  numbers.map((number) => `${section}.${number}`),
);

/** What docs/security.md states about each requirement. */
export interface AsvsTable {
  /** Requirements with a test. */
  tested: string[];
  /** Requirements that hold for a stated reason, without a test. */
  reasoned: string[];
  /** Requirements that are marked “Not yet”. */
  notYet: string[];
  /** Requirements that do not apply, which the last list of the page names. */
  notApplicable: string[];
}

/** Reads the tables whose rows are `number | requirement | evidence`, and the list of what does not apply. */
export function readAsvsTable(text: string): AsvsTable {
  const table: AsvsTable = { tested: [], reasoned: [], notYet: [], notApplicable: [] };
  for (const [, number = '', evidence = ''] of text.matchAll(/^\| (\d+\.\d+\.\d+) +\|[^|]*\| ([^|]*)\|$/gm)) {
    if (evidence.startsWith('**Not yet:**')) table.notYet.push(number);
    else if (/`[^`]+` › “/.test(evidence)) table.tested.push(number);
    else if (evidence.trim() !== '') table.reasoned.push(number);
  }
  const [, list = ''] = /^## What does not apply$([^]*)/m.exec(text) ?? [];
  table.notApplicable = [...list.matchAll(/\b\d+\.\d+\.\d+\b/g)].map(([number]) => number);
  return table;
}
