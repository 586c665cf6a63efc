import { tableOf } from '../text-table.js';
import type { Finding } from './finding.js';

/** The findings as a table, and where each remedy is described. */
export function findingsText(findings: readonly Finding[]): string {
  const rows = findings.map(({ state, what, measured, remedy = '' }) => [state, what, measured, remedy]);
  const sections = findings.flatMap(({ what, runbook }) =>
    runbook === undefined ? [] : [`  ${what}: docs/operations.md#${runbook}`],
  );
  return [
    tableOf(['state', 'what', 'measured', 'what to do'], rows),
    ...(sections.length === 0 ? [] : ['more about it:', ...sections]),
  ].join('\n');
}
