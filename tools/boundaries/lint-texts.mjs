// Lints texts as if they were in given files: [{ file, text, typed }] on stdin, [{ ruleId, message }][] on stdout. It
// is a separate process, because ESLint and its plugins load modules in ways that Jest's module registry does not
// support.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const root = path.resolve(import.meta.dirname, '../..');
const needsTypes = (ruleId) =>
  tseslint.plugin.rules[ruleId.replace('@typescript-eslint/', '')]?.meta.docs.requiresTypeChecking ?? false;

const withTypes = new ESLint({ cwd: root });
// Reading the types of a project takes a second. The import rules do not need them.
const withoutTypes = new ESLint({
  cwd: root,
  overrideConfig: { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => !needsTypes(ruleId),
});

const faults = [];
for (const { file, text, typed } of JSON.parse(readFileSync(0, 'utf8'))) {
  const [result] = await (typed ? withTypes : withoutTypes).lintText(text, { filePath: path.join(root, file) });
  faults.push(result.messages.map(({ ruleId, message }) => ({ ruleId, message })));
}
process.stdout.write(JSON.stringify(faults));
