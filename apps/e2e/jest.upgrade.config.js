const { config } = require('../../jest.preset.js');

const { projects, ...rest } = config(__dirname);
const faults = projects.find(({ displayName }) => displayName.endsWith('fault'));

// Each file starts its systems itself: `npm run test:upgrade`.
module.exports = {
  ...rest,
  maxWorkers: 1,
  projects: [{ ...faults, displayName: 'upgrades', testMatch: ['<rootDir>/src/upgrade/*.fault.spec.ts'] }],
};
