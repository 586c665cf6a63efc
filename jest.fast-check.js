const path = require('node:path');

/*
 * fast-check for all specs. One seed makes a run of CI repeatable, so a change is blamed only for what it breaks.
 * `npm run test:properties` looks for what this seed misses, with a random seed and more runs of each property. A spec
 * that states its number of runs keeps it.
 */
const { ECO_TEST_SEED: seed = '20261129', ECO_TEST_RUNS: runs = '100' } = process.env;
const fc = require(path.join(__dirname, 'node_modules/fast-check'));
fc.configureGlobal({ numRuns: Number(runs), ...(seed !== 'random' && { seed: Number(seed) }) });
module.exports = fc;
