import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ts from 'typescript';
import { mappedStack } from './mapped-stack.js';

const SOURCE = `
interface Gone { readonly a: number }

export function fail(): Error {
  const gone: Gone = { a: 1 };
  return new Error(\`failed at \${gone.a}\`);
}
`;

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'mapped-stack-'))));
afterEach(() => rmSync(dir, { recursive: true }));

/** The stack of an error of the source, compiled. `map`: what is next to the compiled file. */
function stackOf(map: (compiled: string) => string | undefined): string {
  const { outputText, sourceMapText = '' } = ts.transpileModule(SOURCE, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, sourceMap: true },
    fileName: 'source.ts',
  });
  const file = path.join(dir, 'source.js');
  writeFileSync(file, outputText);
  const text = map(sourceMapText);
  if (text !== undefined) writeFileSync(`${file}.map`, text);
  // In a process of its own, because Jest maps the stacks of this one.
  const print = `process.stdout.write(require(${JSON.stringify(file)}).fail().stack)`;
  return execFileSync(process.execPath, ['-e', print], { encoding: 'utf8' });
}

it('states places in the source', () => {
  const stack = stackOf((map) => map);
  expect(stack).toContain('source.js:');
  const [message, first] = mappedStack(stack).split('\n');
  expect(message).toBe('Error: failed at 1');
  expect(first).toContain(`(${path.join(dir, 'source.ts')}:6:10)`);
});

it.each([
  ['there is no map', () => undefined],
  ['the map is no JSON', () => '{'],
  ['the map is no map', () => '{}'],
])('leaves a place as it is if %s', (_why, map) => {
  const stack = stackOf(map);
  expect(mappedStack(stack)).toBe(stack);
});

it('leaves places of Node and of lines without one', () => {
  const stack = 'Error: x\n    at node:internal/process:1:2\n    at async Promise.all (index 0)\n    at <anonymous>';
  expect(mappedStack(stack)).toBe(stack);
});
