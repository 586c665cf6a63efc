const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const faults = projects.find(({ displayName }) => displayName.endsWith('fault'));

// One system for all faults of a run, started by the spec: `npm run test:failover`.
module.exports = {
  ...rest,
  maxWorkers: 1,
  projects: [{ ...faults, displayName: 'failover', testMatch: ['<rootDir>/src/failover/*.fault.spec.ts'] }],
};
