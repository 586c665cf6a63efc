const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const [specs] = projects;

// One system for all files of a run; each file has its own customers and products.
module.exports = {
  ...rest,
  maxWorkers: 1,
  projects: [
    { ...specs, globalSetup: '<rootDir>/src/system/start.ts', globalTeardown: '<rootDir>/src/system/stop.ts' },
  ],
};
