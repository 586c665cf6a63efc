/* What is made from the alarms. These parts need development packages, so no program of EcoMarket loads them. */
export { metricsIn, namesOf } from './promql.js';
export { ruleTests } from './rules.js';
