/* Parts for tests. They need development packages, so no program of EcoMarket loads them. */
export { boardQueries } from './board-panels.js';
export { metricsIn, namesOf } from './promql.js';
export { ruleTests } from './rules.js';
