const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const faults = projects.find(({ displayName }) => displayName.endsWith('fault'));

// One system for all faults of a run, started by the spec: `npm run test:messages`.
module.exports = {
  ...rest,
  maxWorkers: 1,
  projects: [{ ...faults, displayName: 'messages under faults', testMatch: ['<rootDir>/src/faults/*.fault.spec.ts'] }],
};
