const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const [specs] = projects;

// The system of compose.yaml, which the spec itself starts and removes: by a project name and on ports of its own.
module.exports = {
  ...rest,
  maxWorkers: 1,
  // Three brokers that start on two cores, a load, and a restart of each container in turn.
  testTimeout: 15 * 60_000,
  projects: [
    {
      ...specs,
      displayName: 'compose',
      testMatch: ['<rootDir>/src/**/*.compose.spec.ts'],
      testPathIgnorePatterns: [],
    },
  ],
};
