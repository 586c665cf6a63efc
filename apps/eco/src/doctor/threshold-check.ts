import type { Alarm, Metrics, Sample, Threshold } from '@eco/observability';
import { finding, type Finding } from './finding.js';

/** The metrics of a process; undefined: it did not answer. */
export interface ProcessMetrics {
  readonly process: string;
  readonly metrics: Metrics | undefined;
}

type AlarmWithThreshold = Alarm & { readonly threshold: Threshold };

interface Measured extends Sample {
  readonly process: string;
}

/** Applies the threshold of an alarm to one look at the metrics of all processes. */
export function checkThreshold(alarm: AlarmWithThreshold, processes: readonly ProcessMetrics[]): Finding {
  const { threshold, runbook } = alarm;
  const { what, metric, remedy } = threshold;
  const reporting = processes.filter(({ metrics }) => metrics?.names.has(metric));
  if (reporting.length === 0) {
    const help = { remedy: 'npx eco status: which process is missing?', runbook: 'a-service-failed' };
    return finding('warning', what, 'not known: no process reports it', help);
  }
  const samples = reporting.flatMap(({ process, metrics }): Measured[] =>
    (metrics?.samples ?? [])
      .filter((sample) => sample.metric === metric && !Number.isNaN(sample.value))
      .map((sample) => ({ ...sample, process })),
  );
  const wrong = samples.filter(({ value }) => isWrong(threshold, value));
  const state = wrong.length === 0 ? 'ok' : alarm.severity === 'critical' ? 'critical' : 'warning';
  return finding(state, what, measuredText(threshold, samples, wrong), { remedy, runbook });
}

function isWrong({ wrong, limit }: Threshold, value: number): boolean {
  switch (wrong) {
    case 'above':
      return value > limit && value !== Infinity;
    case 'equal':
      return value === limit;
    case 'beyond':
      return Math.abs(value) > limit;
  }
}

function measuredText(threshold: Threshold, samples: readonly Measured[], wrong: readonly Measured[]): string {
  if (samples.length === 0) return 'none';
  if (threshold.wrong === 'equal') {
    const first = wrong.slice(0, SUBJECTS_MAX).map(subjectOf);
    const more = wrong.length > SUBJECTS_MAX ? ` and ${wrong.length - SUBJECTS_MAX} more` : '';
    return wrong.length === 0 ? `${samples.length} looked at` : `wrong: ${first.join(', ')}${more}`;
  }
  const worst = samples.reduce((most, each) => (Math.abs(each.value) > Math.abs(most.value) ? each : most));
  const subject = wrong.length === 0 ? '' : ` (${subjectOf(worst)})`;
  return `${quantity(worst.value, threshold.unit)}${subject}`;
}

const SUBJECTS_MAX = 3;

/** The process that reports a sample, and the thing that it is about. */
function subjectOf({ process, labels }: Measured): string {
  return [process, ...Object.entries(labels).flatMap(([name, value]) => (name === 'role' ? [] : [value]))].join(' ');
}

/** A number with its unit, as a person reads it. */
export function quantity(value: number, unit?: Threshold['unit']): string {
  if (unit === 's') return Number.isFinite(value) ? seconds(value) : 'not known';
  if (unit === 'bytes') return bytes(value);
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(3);
}

function seconds(value: number): string {
  if (Math.abs(value) < 120) return `${value.toFixed(1)} s`;
  return Math.abs(value) < 7200 ? `${Math.round(value / 60)} min` : `${(value / 3600).toFixed(1)} h`;
}

function bytes(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1000 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}
