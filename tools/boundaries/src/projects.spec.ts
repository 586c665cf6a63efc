import path from 'node:path';
import ts from 'typescript';
import { filesMatching, readJson, readText } from './workspace.js';

interface Project {
  folder: string;
  name: string;
  tags: string[];
  /**
   * The @eco packages that a project names in package.json and in the references of tsconfig.json, and those that its
   * sources import. Specs and the code that they share do not count.
   */
  dependencies: string[];
  references: string[];
  imports: string[];
}

interface PackageJson {
  name: string;
  nx: { tags: string[] };
  dependencies?: Record<string, string>;
}

interface TsConfig {
  references?: { path: string }[];
}

const packageOf = (folder: string) => readJson(path.join(folder, 'package.json')) as PackageJson;
const referencesOf = (config: string) =>
  (readJson(config) as TsConfig).references?.map((reference) => reference.path) ?? [];

const importsOf = (text: string) =>
  ts.preProcessFile(text).importedFiles.flatMap((imported) => /^@eco\/[\w-]+/.exec(imported.fileName)?.[0] ?? []);

const projects = filesMatching('{apps,infra,libs,tools}/*/package.json').map((file): Project => {
  const folder = path.dirname(file);
  const { name, nx, dependencies = {} } = packageOf(folder);
  const references = referencesOf(path.join(folder, 'tsconfig.json'));
  const sources = filesMatching(`${folder}/src/**/*.ts`).filter((source) => !/\.spec\.ts$|\/src\/test\//.test(source));
  return {
    folder,
    name,
    tags: nx.tags,
    dependencies: Object.keys(dependencies).sort(),
    references: references.map((reference) => packageOf(path.join(folder, reference)).name).sort(),
    imports: [...new Set(sources.flatMap((source) => importsOf(readText(source))))],
  };
});

// Goal: a project's declared dependencies are true. The compiler refuses a cycle of references (TS6202) but accepts an
// import without a reference. If all imports are among the references, imports form no cycle either.
describe('the workspace', () => {
  const rootReferences = referencesOf('tsconfig.json').map((reference) => path.normalize(reference));

  test('has its projects', () => {
    expect(projects.map((project) => project.name)).toContain('@eco/shard-writer');
  });

  test.each(projects)('$name is of one type that the boundaries know', ({ tags }) => {
    expect(tags).toEqual([expect.stringMatching(/^type:(base|contract|domain|adapter|infra|app|testing)$/)]);
  });

  test.each(projects)('$name names the same projects in package.json and tsconfig.json', (project) => {
    expect(project.dependencies).toEqual(project.references);
  });

  test.each(projects)('$name imports only projects that it names', ({ imports, references }) => {
    expect(imports.filter((name) => !references.includes(name))).toEqual([]);
  });

  test.each(projects)('$name names only projects that it imports', ({ imports, references }) => {
    expect(references.filter((name) => !imports.includes(name))).toEqual([]);
  });

  test('sees every way to import', () => {
    const text = `import { a,\n b } from '@eco/one';\nimport "@eco/two";\nexport * from '@eco/three';\nawait import('@eco/four');\n'import "@eco/five"';`;
    expect(importsOf(text)).toEqual(['@eco/one', '@eco/two', '@eco/three', '@eco/four']);
  });

  test.each(projects)('$name and its specs are compiled from the root', ({ folder }) => {
    expect(rootReferences).toEqual(expect.arrayContaining([folder, path.join(folder, 'tsconfig.spec.json')]));
  });
});
