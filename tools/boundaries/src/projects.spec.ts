import path from 'node:path';
import ts from 'typescript';
import { filesMatching, readJson, readText, root } from './workspace.js';

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
  /** The @eco packages that a project names for its specs only, and those that only its specs import. */
  devDependencies: string[];
  specImports: string[];
}

interface PackageJson {
  name: string;
  nx: { tags: string[] };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface TsConfig {
  references?: { path: string }[];
}

const packageOf = (folder: string) => readJson(path.join(folder, 'package.json')) as PackageJson;
const referencesOf = (config: string) =>
  (readJson(config) as TsConfig).references?.map((reference) => reference.path) ?? [];

const packagesIn = (text: string) =>
  ts.preProcessFile(text).importedFiles.flatMap((imported) => /^@eco\/[\w-]+/.exec(imported.fileName)?.[0] ?? []);
const importsOf = (files: string[]) => [...new Set(files.flatMap((file) => packagesIn(readText(file))))].sort();
const isOfSpecs = (file: string) => /\.spec\.ts$|\/src\/test\//.test(file);

const projects = filesMatching('{apps,infra,libs,tools}/*/package.json').map((file): Project => {
  const folder = path.dirname(file);
  const { name, nx, dependencies = {}, devDependencies = {} } = packageOf(folder);
  const references = referencesOf(path.join(folder, 'tsconfig.json'));
  const files = filesMatching(`${folder}/src/**/*.ts`);
  const imports = importsOf(files.filter((file) => !isOfSpecs(file)));
  return {
    folder,
    name,
    tags: nx.tags,
    dependencies: Object.keys(dependencies).sort(),
    references: references.map((reference) => packageOf(path.join(folder, reference)).name).sort(),
    imports,
    devDependencies: Object.keys(devDependencies).sort(),
    specImports: importsOf(files.filter(isOfSpecs)).filter(
      (imported) => imported !== name && !imports.includes(imported),
    ),
  };
});

// Goal: a project's declared dependencies are true. The compiler refuses a cycle of references (TS6202) but accepts an
// import without a reference. If all imports are among the references, imports form no cycle either.
describe('the workspace', () => {
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

  // Nx reads in package.json which projects a unit test depends on. A change of one of them makes the cached result
  // void.
  test.each(projects)('$name names the packages that only its specs import', ({ devDependencies, specImports }) => {
    expect(devDependencies).toEqual(specImports);
  });

  test('sees every way to import', () => {
    const text = `import { a,\n b } from '@eco/one';\nimport "@eco/two";\nexport * from '@eco/three';\nawait import('@eco/four');\n'import "@eco/five"';`;
    expect(packagesIn(text)).toEqual(['@eco/one', '@eco/two', '@eco/three', '@eco/four']);
  });

  test('compiles every project and checks every spec from the root', () => {
    expect(referencesOf('tsconfig.json')).toEqual(['./tsconfig.spec.json']);
    const references = referencesOf('tsconfig.spec.json').map((reference) => path.normalize(reference));
    expect(references.sort()).toEqual(projects.map(({ folder }) => folder).sort());
    const checked = ts.parseJsonConfigFileContent(readJson('tsconfig.spec.json'), ts.sys, root).fileNames;
    const specs = filesMatching('{apps,infra,libs,tools}/*/src/{**/*.spec.ts,test/**/*.ts}');
    expect(checked.map((file) => path.relative(root, file)).sort()).toEqual(specs.sort());
  });
});
