/**
 * `critical`: clients are refused, orders wait, or data is at risk now. `warning`: an operator has to act today.
 * `info`: worth knowing when something else is wrong.
 */
type Severity = 'critical' | 'warning' | 'info';

/** An alarm of docs/operations.md as a rule of Prometheus, and the samples by which `promtool` tests it. */
export interface Alarm {
  /** Name of the alert. */
  readonly name: string;
  /** PromQL. It returns a series for each thing that is wrong. */
  readonly expr: string;
  /** The same condition for one look at the metrics, if they alone decide it. */
  readonly threshold?: Threshold;
  /** How long the expression must hold, in Prometheus' notation. Absent: the alert fires at once. */
  readonly for?: string;
  readonly severity: Severity;
  /** One sentence. It may name labels of the alert as `{{ $labels.instance }}`. */
  readonly summary: string;
  /** Anchor of the section of docs/operations.md that says what to do. */
  readonly runbook: string;
  /** Samples for which the alert fires, and similar ones for which it does not. */
  readonly fires: FiringExample;
  readonly silent: Example;
}

/** A condition on each sample of one metric, from which a rule's expression and a check of `eco doctor` follow. */
export interface Threshold {
  /** What the metric measures, for a line of `eco doctor`. */
  readonly what: string;
  readonly metric: string;
  /** Wrong are values above the limit, equal to it, or beyond it in either direction. +Inf is above no limit. */
  readonly wrong: 'above' | 'equal' | 'beyond';
  readonly limit: number;
  readonly unit?: 's' | 'bytes';
  /** What the operator does first: a command or a sentence. */
  readonly remedy: string;
}

export interface Example {
  /** Values by series, each 15 s after the one before, in the notation of promtool: `0+2x20` is 0, 2, … 40. */
  readonly series: Readonly<Record<string, string>>;
  /** Time after the first sample at which the alert fires or not, in Prometheus' notation. */
  readonly at: string;
}

interface FiringExample extends Example {
  /** Labels of the alert, without its name and severity. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The expression of a threshold, and the threshold. */
export function when(threshold: Threshold): Pick<Alarm, 'expr' | 'threshold'> {
  const { metric, wrong, limit } = threshold;
  const exprs = { above: `${metric} > ${limit}`, equal: `${metric} == ${limit}`, beyond: `abs(${metric}) > ${limit}` };
  return { expr: exprs[wrong], threshold };
}

/**
 * Alarm condition: the counter has grown within `window`. A series with a new label value begins above 0, so its growth
 * is invisible to `increase`. It counts if its process was scraped before.
 */
export function grew(series: string, window = '5m'): string {
  const isNew = `(${series} > 0 unless ${series} offset ${window}) and on (job, instance) (up offset ${window} == 1)`;
  return `increase(${series}[${window}]) > 0 or ${isNew}`;
}

/** Labels that Prometheus adds to each series of one process, for examples. */
export const process = (instance: string) => ({ job: 'ecomarket', instance });

/** The text of a series, for examples. */
export function series(metric: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return `${metric}{${pairs.join(', ')}}`;
}
