// The rules for the code, and the reason for each. tools/boundaries shows that each rule refuses the code that it is
// meant for.
import path from 'node:path';
import comments from '@eslint-community/eslint-plugin-eslint-comments';
import nx from '@nx/eslint-plugin';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// The imports that each type of project may have. Dependencies point inwards: the domain knows neither brokers nor
// databases. So a decision can be tested as a function, and a server can be replaced. A project without a type may
// import nothing.
const layers = {
  // Small code that needs neither a package nor another project is here, so that no library has a copy.
  base: { imports: [], external: [] },
  // Messages are described with zod and nothing else, so that any client can use the descriptions.
  contract: { imports: ['contract'], external: ['zod'] },
  // Decisions are plain functions over plain data: same input, same outcome, on every machine.
  domain: { imports: ['domain', 'contract'], external: [] },
  adapter: { imports: ['adapter', 'domain', 'contract', 'base'] },
  infra: { imports: ['infra', 'adapter', 'domain', 'contract', 'base'] },
  app: { imports: ['infra', 'adapter', 'domain', 'contract', 'base'] },
  testing: { imports: ['testing', 'app', 'infra', 'adapter', 'domain', 'contract', 'base'] },
};

const boundaries = (extra) => [
  'error',
  {
    // A package that no package.json of this repository names is installed by accident and may vanish with any upgrade.
    banTransitiveDependencies: true,
    // Specs use @eco/testing, which itself uses the projects that they test. Without specs there is no cycle: the
    // references of tsc refuse one.
    ignoredCircularDependencies: [['@eco/testing', '*']],
    depConstraints: Object.entries(layers).map(([type, { imports, external }]) => ({
      sourceTag: `type:${type}`,
      onlyDependOnLibsWithTags: [...imports, ...extra.imports].map((target) => `type:${target}`),
      ...(external && { allowedExternalImports: [...external, ...extra.external] }),
    })),
  },
];

// Few libraries may import a server's driver, because each other one would get its own idea of confirms, roles and
// deadlines. TypeORM and golevelup have one role each, in the projects named here (docs/decisions/0063).
const drivers = [
  {
    packages: ['amqplib', 'amqp-connection-manager'],
    folders: ['libs/broker', 'libs/broker/src/events'],
    why: 'Only @eco/broker talks to RabbitMQ: there every publish is mandatory, confirmed and settles in time.',
  },
  {
    packages: ['@golevelup/*'],
    folders: ['libs/broker/src/events'],
    why: 'golevelup subscribes to events and does nothing else: commands and replies need confirms and their own channel.',
  },
  {
    packages: ['typeorm', '@nestjs/typeorm'],
    folders: ['libs/consumers', 'apps/central-api/src/consumers', 'libs/database/src/migrations'],
    why: 'TypeORM keeps the consumers’ own tables and runs migrations; the write path and reads are SQL over @eco/database.',
  },
  {
    packages: ['pg', 'pg-*'],
    // The monolith of the benchmark has its own database.
    folders: ['libs/postgres', 'libs/database', 'libs/writer', 'tools/bench/src/monolith'],
    why: 'Only @eco/postgres, @eco/database and @eco/writer talk to PostgreSQL: there roles are discovered and writes are fenced.',
  },
  {
    packages: ['node:sqlite'],
    folders: ['libs/journal', 'libs/branch'],
    why: 'Only @eco/journal and @eco/branch keep a file: there every write is synced, bounded and one process’s alone.',
  },
  {
    packages: ['@eco/cluster'],
    folders: ['infra/cluster', 'apps/eco', 'libs/testing', 'apps/e2e', 'tools/bench'],
    why: 'Only the command line and tests start servers: a service finds them running.',
  },
];

// The domain computes from its input alone. A clock, a disk or a network would make its outcomes depend on the machine.
const domainBuiltins = {
  regex: '^node:(?!crypto$)',
  message: 'The domain computes only from its input. From Node it may use only the hash of node:crypto.',
};
// A built-in module without its prefix looks like a package, so the rule above would not find it.
const prefixlessBuiltins = {
  regex:
    '^(assert|async_hooks|buffer|child_process|cluster|crypto|dns|events|fs|http|https|net|os|path|perf_hooks|process|readline|stream|timers|tls|url|util|v8|vm|worker_threads|zlib)(/|$)',
  message: "Write Node's own modules with the prefix node:.",
};

// Not only routes choose a node or submit a command. Both are loaded, tested and measured without a web framework.
const cores = ['libs/reads', 'libs/intake'];
const frameless = {
  group: ['@nestjs/*', '@nestjs/*/**', 'fastify', '@fastify/*', '@eco/service', '@eco/api/*'],
  message: 'libs/reads and libs/intake know no HTTP: routes are in libs/api, and the process passes its parts.',
};
// A process that only reads needs no broker and no journal. So nothing that it loads can submit a command.
const readers = ['libs/api', 'apps/read-service'];
const commandFiles = ['**/*.command.ts', '**/http/commands/**', '**/command-routes.ts'];
const commandless = {
  group: ['@eco/intake', '@eco/api/commands', '**/*.command.js', '**/http/commands/**', '**/command-routes.js'],
  message: 'What reads loads no command, so the read-service runs without one: @eco/api/commands is the other entry.',
};

// Such a member is private at run time too, and its name shows that at each use. Nest passes parts to a decorated class.
const hashNames = {
  selector:
    ':matches(PropertyDefinition, MethodDefinition[kind!="constructor"], ClassDeclaration[decorators.length=0] TSParameterProperty)[accessibility="private"]',
  message: 'A private member is #name. Only a class with a decorator may have constructor(private readonly x: X).',
};

// A suite of which a part is skipped looks like one that passes.
const unskipped = {
  selector:
    'MemberExpression[property.name=/^(only|skip|todo|failing)$/]:matches([object.name=/^(describe|it|test)$/], [object.property.name=/^(concurrent|each|prop)$/])',
  message: 'No test is skipped or run alone: a suite that is cut short looks like one that passes.',
};
const unskippedAliases = {
  selector: 'CallExpression[callee.name=/^(fdescribe|fit|xdescribe|xit|xtest)$/]',
  message: unskipped.message,
};
// A sleep is too short on a slow machine and too long on every other.
const sleepless = {
  selector: 'NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"]',
  message: 'Tests wait for a condition with a deadline (eventually, of @eco/testing), not for time.',
};
const sleeplessImport = { regex: '^node:timers/promises$', message: sleepless.message };

// Folders that may import less than others, or more. A spec of the domain may read a file, and no spec may sleep.
const pure = ['libs/contracts', 'libs/domain', 'libs/routing', 'libs/till'];
// The folders are sorted, so that a folder comes after those around it and its rule replaces theirs.
const narrowed = [
  { folders: pure, pattern: domainBuiltins },
  { folders: cores, pattern: frameless },
  { folders: readers, pattern: commandless, ignores: commandFiles },
];
const folders = [...narrowed, ...drivers].flatMap((each) => each.folders);
const restrictedImports = ['', ...new Set(folders)].sort().flatMap((folder) => {
  const everywhere = [
    ...drivers
      .filter((driver) => !driver.folders.includes(folder))
      .map((driver) => ({ group: driver.packages.flatMap((name) => [name, `${name}/**`]), message: driver.why })),
    prefixlessBuiltins,
  ];
  const rules = (patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
  const own = narrowed.filter((each) => each.folders.includes(folder));
  return [
    { files: [path.posix.join(folder, '**/*.ts')], rules: rules(everywhere) },
    ...own.map(({ pattern, ignores = [] }) => ({
      files: [path.posix.join(folder, '**/*.ts')],
      ignores,
      rules: rules([...everywhere, pattern]),
    })),
    { files: [path.posix.join(folder, '**/*.spec.ts')], rules: rules([...everywhere, sleeplessImport]) },
  ];
});

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', 'coverage/', 'reports/', '.eco/', '.nx/', '**/*.{js,cjs,mjs}'] },
  {
    files: ['**/*.ts'],
    // These rules read types, because the worst errors are visible in no other way: a promise that is not awaited, or
    // an `any` that hides a change of a message. recommendedTypeChecked has rules for both.
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@eslint-community/eslint-comments': comments, '@nx': nx, 'import-x': importX },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [
        createNodeResolver({
          extensions: ['.ts', '.js', '.json'],
          extensionAlias: { '.js': ['.ts', '.js'] },
          conditionNames: ['@eco/source', 'node', 'require', 'default'],
        }),
      ],
    },
    rules: {
      '@nx/enforce-module-boundaries': boundaries({ imports: [], external: [] }),
      // In a cycle of files, the first one that is loaded sees the other half built: undefined in a decorator or a base
      // class.
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      // A new outcome or command must be handled wherever outcomes are distinguished. The compiler alone accepts a gap.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // `==` takes '' for 0 and null for undefined. A quantity is neither.
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', hashNames],
      // A class that only awaits to satisfy an interface is fine; a promise that is not awaited is caught elsewhere.
      '@typescript-eslint/require-await': 'off',
      // Nest modules are empty classes that carry a decorator.
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // A rule may be switched off only with a reason, which the next reader can weigh.
      '@eslint-community/eslint-comments/require-description': 'error',
    },
  },
  ...restrictedImports,
  {
    // The caller of a library decides when the process ends, because it may have work to finish first.
    files: ['libs/**/*.ts', 'infra/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'A library reports a failure; only a program may end itself.' },
      ],
    },
  },
  {
    // Code that the specs of a project share is in its src/test, which no build contains.
    files: ['**/*.spec.ts', '**/src/test/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': boundaries({
        imports: ['testing'],
        external: ['fast-check'],
      }),
      'no-restricted-syntax': ['error', hashNames, unskipped, unskippedAliases, sleepless],
    },
  },
);
