import { process, series, when, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const branch = { ...process('shard-writer-1:9000'), branch: 'sucursal-1' };

/** Alarms of the branches, as the head office sees them. */
export const branchAlarms: readonly Alarm[] = [
  {
    name: 'BranchDiscrepancy',
    ...when({
      what: 'units that no record of a branch shows',
      metric: 'eco_writer_branch_discrepancy_units',
      wrong: 'above',
      limit: 0,
      remedy: 'have the branch count, or: npx eco quotas settle',
    }),
    severity: 'warning',
    summary: 'Units left branch {{ $labels.branch }} that no record showed there',
    runbook: 'eco_writer_branch_discrepancy_units',
    fires: { series: { [series('eco_writer_branch_discrepancy_units', branch)]: '2x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_discrepancy_units', branch)]: '0x4' }, at: '1m' },
  },
  {
    name: 'BranchFrozen',
    ...when({
      what: 'frozen branches',
      metric: 'eco_writer_branch_frozen',
      wrong: 'equal',
      limit: 1,
      remedy: 'stop the copy, then: npx eco quotas unfreeze',
    }),
    severity: 'critical',
    summary: 'Two databases run as branch {{ $labels.branch }}, so it gets no more units',
    runbook: 'eco_writer_branch_frozen',
    fires: { series: { [series('eco_writer_branch_frozen', branch)]: '1x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_frozen', branch)]: '0x4' }, at: '1m' },
  },
  {
    name: 'BranchSilent',
    ...when({
      what: 'silence of a branch',
      metric: 'eco_writer_branch_silent_seconds',
      wrong: 'above',
      limit: limits.branchSilentS,
      unit: 's',
      remedy: 'look at its line and its machine',
    }),
    severity: 'warning',
    summary: 'Branch {{ $labels.branch }} has sent nothing for a day',
    runbook: 'eco_writer_branch_silent_seconds',
    fires: { series: { [series('eco_writer_branch_silent_seconds', branch)]: '90000x4' }, at: '1m', labels: branch },
    silent: { series: { [series('eco_writer_branch_silent_seconds', branch)]: '3600x4' }, at: '1m' },
  },
];
