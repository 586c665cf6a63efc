const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const [specs] = projects;

// These specs run under load for minutes, so they are separate: `npm run test:reads`. One file at a time.
module.exports = {
  ...rest,
  maxWorkers: 1,
  testTimeout: 3_600_000,
  projects: [{ ...specs, displayName: 'reads load', testMatch: ['<rootDir>/src/test/*.load.ts'] }],
};
