const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const faults = projects.find(({ displayName }) => displayName.endsWith('fault'));

// Each file starts a system itself: `npm run test:branches`, and `npm run bench:branches`.
const files = process.env['ECO_TEST_BRANCHES'] === 'measure' ? 'test/branches.load.ts' : 'branches/*.fault.spec.ts';
module.exports = {
  ...rest,
  maxWorkers: 1,
  projects: [{ ...faults, displayName: 'branches', testMatch: [`<rootDir>/src/${files}`] }],
};
