import { process, series, type Alarm } from '../alarm.js';
import { limits } from '../limits.js';

const central = process('central-api:9000');

/** Alarms of every process. */
export const processAlarms: readonly Alarm[] = [
  {
    name: 'ServiceDown',
    expr: 'up{job="ecomarket"} == 0',
    for: `${limits.absentS}s`,
    severity: 'critical',
    summary: '{{ $labels.instance }} does not respond',
    runbook: 'a-service-failed',
    fires: { series: { [series('up', central)]: '1 0x8' }, at: '1m', labels: central },
    silent: { series: { [series('up', central)]: '1 0 1x8' }, at: '1m' },
  },
  {
    name: 'LogLinesDropped',
    expr: 'increase(eco_log_lines_dropped_total[5m]) > 0',
    severity: 'warning',
    summary: 'The log of {{ $labels.instance }} cannot be written, mostly because its disk is full',
    runbook: 'eco_log_lines_dropped_total',
    fires: { series: { [series('eco_log_lines_dropped_total', central)]: '0x4 9x4' }, at: '2m', labels: central },
    silent: { series: { [series('eco_log_lines_dropped_total', central)]: '9x8' }, at: '2m' },
  },
];
