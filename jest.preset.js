const { existsSync } = require('node:fs');
const path = require('node:path');

if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(`Tests need Node 24, this is ${process.version}. "npm run jest -- <spec>" brings it.`);
}

const shared = {
  testEnvironment: 'node',
  // Other projects are read from their sources, so a test needs no build.
  testEnvironmentOptions: { customExportConditions: ['@eco/source', 'node', 'node-addons'] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^fast-check$': path.join(__dirname, 'jest.fast-check.js') },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
};

/*
 * The kinds of spec of the project in `rootDir`: *.spec.ts needs no server, *.int.spec.ts talks to real ones,
 * *.fault.spec.ts does things to them and runs on either provider. Where int specs share servers, int-setup.js and
 * int-teardown.js of the project start and end those, once a run.
 */
function projects(rootDir) {
  const name = path.relative(__dirname, rootDir);
  return [
    {
      ...shared,
      rootDir,
      displayName: name,
      testMatch: ['<rootDir>/src/**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.(int|fault|compose)\\.spec\\.ts$'],
    },
    {
      ...shared,
      rootDir,
      displayName: `${name} int`,
      testMatch: ['<rootDir>/src/**/*.int.spec.ts'],
      ...(existsSync(path.join(rootDir, 'int-setup.js')) && {
        globalSetup: '<rootDir>/int-setup.js',
        globalTeardown: '<rootDir>/int-teardown.js',
      }),
    },
    {
      ...shared,
      rootDir,
      displayName: `${name} fault`,
      testMatch: ['<rootDir>/src/**/*.fault.spec.ts'],
    },
  ];
}

/** The Jest configuration of the projects in `rootDirs`. */
function config(...rootDirs) {
  return {
    // Real servers take their time. A wait inside a test has its own deadline, and its error says what was missing.
    testTimeout: 180_000,
    // By default Jest leaves one core unused for a person who watches.
    maxWorkers: '100%',
    projects: rootDirs.flatMap(projects),
  };
}

module.exports = { config };
