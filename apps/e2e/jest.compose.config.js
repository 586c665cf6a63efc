const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const [specs] = projects;

// The system of compose.yaml, which the spec starts and removes itself, with its own project name and ports.
module.exports = {
  ...rest,
  maxWorkers: 1,
  // Three brokers start on two cores, under load, and each container is restarted in turn.
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
