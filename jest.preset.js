const path = require('node:path');

if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(
    `Tests need Node 24, this is ${process.version}: run them by "npm run jest -- <spec>", which brings it.`,
  );
}

// Each kind of spec runs apart from the others: *.int.spec.ts start real servers, so they take turns.
const kinds = {
  all: { testMatch: ['<rootDir>/src/**/*.spec.ts'] },
  unit: {
    testMatch: ['<rootDir>/src/**/*.spec.ts'],
    testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '/node_modules/'],
  },
  int: { testMatch: ['<rootDir>/src/**/*.int.spec.ts'] },
};

/** Jest settings of the project in `rootDir`; `kind` is unit, int or all. */
function project(rootDir, kind = 'all') {
  return {
    rootDir,
    displayName: path.relative(__dirname, rootDir),
    testEnvironment: 'node',
    // Other projects are read from their sources, so a test needs no build.
    testEnvironmentOptions: { customExportConditions: ['@eco/source', 'node', 'node-addons'] },
    moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
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
    ...kinds[kind],
  };
}

module.exports = { project };
