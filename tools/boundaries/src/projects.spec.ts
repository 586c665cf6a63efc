import path from 'node:path';
import { filesMatching, readJson } from './workspace.js';

interface Project {
  folder: string;
  name: string;
  tags: string[];
  /** @eco packages of package.json, and of the references of tsconfig.json. */
  dependencies: string[];
  references: string[];
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

const projects = filesMatching('{apps,infra,libs,tools}/*/package.json').map((file): Project => {
  const folder = path.dirname(file);
  const { name, nx, dependencies = {} } = packageOf(folder);
  const references = referencesOf(path.join(folder, 'tsconfig.json'));
  return {
    folder,
    name,
    tags: nx.tags,
    dependencies: Object.keys(dependencies).sort(),
    references: references.map((reference) => packageOf(path.join(folder, reference)).name).sort(),
  };
});

// Goal: what a project says of itself is true, for the compiler, npm and the boundaries each read another file.
describe('the workspace', () => {
  const rootReferences = referencesOf('tsconfig.json').map((reference) => path.normalize(reference));

  test('has its projects', () => {
    expect(projects.map((project) => project.name)).toContain('@eco/shard-writer');
  });

  test.each(projects)('$name is of one type that the boundaries know', ({ tags }) => {
    expect(tags).toEqual([expect.stringMatching(/^type:(contract|domain|adapter|infra|app|testing)$/)]);
  });

  test.each(projects)('$name names the same projects in package.json and tsconfig.json', (project) => {
    expect(project.dependencies).toEqual(project.references);
  });

  test.each(projects)('$name and its specs are compiled from the root', ({ folder }) => {
    expect(rootReferences).toEqual(expect.arrayContaining([folder, path.join(folder, 'tsconfig.spec.json')]));
  });
});
