import { tableOf } from '../text-table.js';
import type { Finding } from './finding.js';

/** The findings as a table that fits into `width` columns, and where each remedy is described. */
export function findingsText(findings: readonly Finding[], width?: number): string {
  const rows = findings.map(({ state, what, measured, remedy = '' }) => [state, what, measured, remedy]);
  const sections = findings.flatMap(({ what, runbook }) =>
    runbook === undefined ? [] : [`  ${what}: docs/operations.md#${runbook}`],
  );
  return [
    tableOf(['state', 'what', 'measured', 'what to do'], rows, width),
    ...(sections.length === 0 ? [] : ['more about it:', ...sections]),
  ].join('\n');
}
