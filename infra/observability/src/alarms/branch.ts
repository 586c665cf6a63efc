import { process, series, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const branch = { ...process('shard-writer-1:9000'), branch: 'sucursal-1' };

/** Alarms of the branches, as the head office sees them. */
export const branchAlarms: readonly Alarm[] = [
  {
    name: 'BranchDiscrepancy',
    expr: 'eco_writer_branch_discrepancy_units > 0',
    severity: 'warning',
    summary: 'Units left branch {{ $labels.branch }} that no record showed there',
    runbook: 'eco_writer_branch_discrepancy_units',
    fires: { series: { [series('eco_writer_branch_discrepancy_units', branch)]: '2x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_discrepancy_units', branch)]: '0x4' }, at: '1m' },
  },
  {
    name: 'BranchFrozen',
    expr: 'eco_writer_branch_frozen == 1',
    severity: 'critical',
    summary: 'Two databases run as branch {{ $labels.branch }}, so it gets no more units',
    runbook: 'eco_writer_branch_frozen',
    fires: { series: { [series('eco_writer_branch_frozen', branch)]: '1x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_frozen', branch)]: '0x4' }, at: '1m' },
  },
  {
    name: 'BranchSilent',
    expr: `eco_writer_branch_silent_seconds > ${limits.branchSilentS}`,
    severity: 'warning',
    summary: 'Branch {{ $labels.branch }} has sent nothing for a day',
    runbook: 'eco_writer_branch_silent_seconds',
    fires: { series: { [series('eco_writer_branch_silent_seconds', branch)]: '90000x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_silent_seconds', branch)]: '3600x4' }, at: '1m' },
  },
];
