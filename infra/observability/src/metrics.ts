export interface Sample {
  readonly metric: string;
  readonly labels: Labels;
  readonly value: number;
}

type Labels = Readonly<Record<string, string>>;

const ANSWER_MS = 3_000;

/** What one process exported at `/metrics` when it was asked. */
export class Metrics {
  /** Names of its metrics, including those that had no sample. */
  readonly names: ReadonlySet<string>;
  readonly samples: readonly Sample[];

  /** Reads Prometheus' text format as prom-client writes it: one sample per line, without timestamps. */
  constructor(text: string) {
    this.names = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name));
    this.samples = [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
      ([, metric = '', labels = '', value = '']) => ({
        metric,
        labels: Object.fromEntries(
          [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', text = '']) => [name, unescaped(text)]),
        ),
        value: value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value),
      }),
    );
  }

  /** Asks a process at its URL for operators. Undefined: it did not answer within `deadlineMs`. */
  static async of(operatorsUrl: string, deadlineMs = ANSWER_MS): Promise<Metrics | undefined> {
    try {
      const response = await fetch(`${operatorsUrl}/metrics`, { signal: AbortSignal.timeout(deadlineMs) });
      const text = await response.text();
      return response.ok ? new Metrics(text) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Values of the samples of a metric that have these labels, among others. */
  values(metric: string, labels: Labels = {}): number[] {
    const wanted = Object.entries(labels);
    return this.samples
      .filter((sample) => sample.metric === metric && wanted.every(([name, value]) => sample.labels[name] === value))
      .map(({ value }) => value);
  }

  /** The first of `values`. */
  value(metric: string, labels: Labels = {}): number | undefined {
    return this.values(metric, labels)[0];
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
