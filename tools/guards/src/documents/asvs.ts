import ts from 'typescript';
import requirements from './asvs.json';
import { plain, testsNamedIn, type NamedTest } from './references.js';

/** Every requirement of levels 1 and 2 of OWASP ASVS 5.0.0, such as `8.2.1`. */
export const asvsRequirements = Object.entries(requirements.sections).flatMap(([section, numbers]) =>
  numbers.map((number) => `${section}.${number}`),
);

/** A requirement and a test that covers it. */
export interface CoveringTest extends NamedTest {
  readonly number: string;
}

/** The requirements in docs/security.md, by the kind of evidence. */
export interface AsvsTable {
  /** Requirements with a test. */
  tested: string[];
  /** Requirements that hold for a stated reason, without a test. */
  reasoned: string[];
  /** Requirements that are marked “Not yet”. */
  notYet: string[];
  /** Requirements that do not apply, which the last list of the page names. */
  notApplicable: string[];
  /** The tests that cover requirements. */
  tests: CoveringTest[];
}

/**
 * Reads the tables whose rows are `number | requirement | evidence`, and the list of requirements that do not apply.
 */
export function readAsvsTable(text: string): AsvsTable {
  const table: AsvsTable = { tested: [], reasoned: [], notYet: [], notApplicable: [], tests: [] };
  for (const [, number = '', evidence = ''] of text.matchAll(/^\| (\d+\.\d+\.\d+) +\|[^|]*\| ([^|]*)\|$/gm)) {
    const tests = testsNamedIn(evidence);
    if (evidence.startsWith('**Not yet:**')) table.notYet.push(number);
    else if (tests.length > 0) table.tested.push(number);
    else if (evidence.trim() !== '') table.reasoned.push(number);
    table.tests.push(...tests.map((test) => ({ ...test, number })));
  }
  const [, list = ''] = /^## What does not apply$([^]*)/m.exec(text) ?? [];
  table.notApplicable = [...list.matchAll(/\b\d+\.\d+\.\d+\b/g)].map(([number]) => number);
  return table;
}

/** The tests of a source that carry numbers: a comment `ASVS 5.0: 1.2.4, 2.2.1` precedes such a test. */
export function numberedTests(file: string, source: string): CoveringTest[] {
  const tests: CoveringTest[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) {
      const [first] = node.expression.arguments;
      const [, numbers = ''] = /ASVS 5\.0: ([\d., ]+)/.exec(source.slice(node.pos, node.getStart(tree))) ?? [];
      if (first !== undefined) {
        const name = ts.isStringLiteralLike(first) ? first.text : first.getText(tree).slice(1, -1);
        for (const number of numbers.match(/\d+\.\d+\.\d+/g) ?? []) tests.push({ number, file, name: plain(name) });
      }
    }
    ts.forEachChild(node, visit);
  };
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  visit(tree);
  return tests;
}
