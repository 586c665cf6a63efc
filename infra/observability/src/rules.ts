import { stringify } from 'yaml';
import type { Alarm, Example } from './alarm.js';

/** Path of the section of a runbook from the root of the repository. */
const RUNBOOK = 'docs/operations.md';

const HEADER = '# Made from infra/observability/src/alarms by "npm run observability". Do not edit.\n';

/** Text of Prometheus' file of alert rules. */
export function ruleFile(groups: Readonly<Record<string, readonly Alarm[]>>): string {
  const rules = Object.entries(groups).map(([name, alarms]) => ({
    name,
    rules: alarms.map((alarm) => ({
      alert: alarm.name,
      expr: alarm.expr,
      ...(alarm.for !== undefined && { for: alarm.for }),
      labels: { severity: alarm.severity },
      annotations: { summary: alarm.summary, runbook_url: `${RUNBOOK}#${alarm.runbook}` },
    })),
  }));
  return HEADER + stringify({ groups: rules }, { lineWidth: 0, singleQuote: true });
}

/**
 * Text of a file for `promtool test rules`, in which each alarm fires for its samples and stays silent for similar ones.
 * promtool opens a database for each test, which takes 0.1 s. So one test has the samples of all alarms that share no
 * metric.
 */
export function ruleTests(alarms: readonly Alarm[], ruleFile: string): string {
  const examples = alarms.flatMap((alarm) => [
    { alarm, example: alarm.fires, alerts: [firing(alarm)] },
    { alarm, example: alarm.silent, alerts: [] },
  ]);
  return stringify({
    rule_files: [ruleFile],
    evaluation_interval: '15s',
    tests: withoutSharedMetrics(examples, ({ example }) => metricsOf(example)).map((together) => ({
      interval: '15s',
      input_series: together.flatMap(({ example }) =>
        Object.entries(example.series).map(([series, values]) => ({ series, values })),
      ),
      alert_rule_test: together.map(({ alarm, example, alerts }) => {
        return { eval_time: example.at, alertname: alarm.name, exp_alerts: alerts };
      }),
    })),
  });
}

const metricsOf = ({ series }: Example) => Object.keys(series).map((name) => name.replace(/\{.*/, ''));

/** Divides the items into lists in which no two have a metric in common. */
function withoutSharedMetrics<T>(items: readonly T[], metricsOf: (item: T) => readonly string[]): T[][] {
  const lists: { readonly items: T[]; readonly metrics: Set<string> }[] = [];
  for (const item of items) {
    const metrics = metricsOf(item);
    let list = lists.find((each) => !metrics.some((metric) => each.metrics.has(metric)));
    if (list === undefined) lists.push((list = { items: [], metrics: new Set() }));
    list.items.push(item);
    for (const metric of metrics) list.metrics.add(metric);
  }
  return lists.map((list) => list.items);
}

/** The alert that an alarm's example fires. */
function firing({ fires: { labels }, severity, summary, runbook }: Alarm): object {
  return {
    exp_labels: { ...labels, severity },
    exp_annotations: {
      summary: summary.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? ''),
      runbook_url: `${RUNBOOK}#${runbook}`,
    },
  };
}
