export interface Sample {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What one process exports at `/metrics`. */
export interface Metrics {
  /** Names of its metrics, including those that have no sample now. */
  readonly names: ReadonlySet<string>;
  readonly samples: readonly Sample[];
}

/** Reads Prometheus' text format as prom-client writes it: one sample per line, without timestamps. */
export function parseMetrics(text: string): Metrics {
  const names = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name));
  const samples = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, metric = '', labels = '', value = '']) => ({
      metric,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', text = '']) => [name, unescaped(text)]),
      ),
      value: value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value),
    }),
  );
  return { names, samples };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
