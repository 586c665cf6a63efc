import type { Log, Span, SpanName, SpanStart, TraceParent, Tracer } from '@eco/base';
import type { SpanExport } from './span-export.js';

export interface TracingConfig {
  readonly name: string;
  /** Base URL of a collector that takes OTLP over HTTP. Absent: no span is recorded. */
  readonly traceEndpoint?: string | undefined;
  /** Share of the requests without a `traceparent` that are traced, 0 to 1. Absent: none. */
  readonly traceRatio?: number;
}

/**
 * Most requests per second that are traced because their client asks for it, by the flag in `traceparent`. Anybody may
 * send that header, and a span made by hand costs a request of 30 µs about 17 µs more (docs/decisions/0093).
 */
const ASKED_PER_SECOND_MAX = 100;

/**
 * Decides which requests are traced, and records their spans. OpenTelemetry is loaded only if there is a collector:
 * a process without one pays nothing for it.
 */
export class Tracing implements Tracer {
  readonly #config: TracingConfig;
  readonly #log: Log;
  #spans: SpanExport | undefined;
  #second = 0;
  #askedInSecond = 0;

  constructor(config: TracingConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  /** Whether spans are recorded once `open` has loaded the exporter. */
  get hasCollector(): boolean {
    return this.#config.traceEndpoint !== undefined;
  }

  get isOn(): boolean {
    return this.#spans !== undefined;
  }

  /** Whether spans reach the collector, for operators. Undefined: there is no collector. */
  get state(): string | undefined {
    return this.#spans?.state;
  }

  /** Loads the exporter, if there is a collector. Until then nothing is recorded. It does not wait for the collector. */
  async open(): Promise<void> {
    const { name, traceEndpoint } = this.#config;
    if (traceEndpoint === undefined || this.#spans !== undefined) return;
    const { SpanExport } = await import('./span-export.js');
    this.#spans = new SpanExport({ name, endpoint: traceEndpoint, log: this.#log });
  }

  /** Sends the spans that wait, for at most a second. */
  async close(): Promise<void> {
    const spans = this.#spans;
    this.#spans = undefined;
    await spans?.close();
  }

  /** Whether a request with this `traceparent` is traced here. */
  samples(received: TraceParent | undefined): boolean {
    if (this.#spans === undefined) return false;
    if (received === undefined) return Math.random() < (this.#config.traceRatio ?? 0);
    return received.sampled && this.#hasRoom();
  }

  start(name: SpanName, start?: SpanStart): Span | undefined {
    return this.#spans?.start(name, start);
  }

  #hasRoom(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#askedInSecond = 0;
    }
    this.#askedInSecond += 1;
    return this.#askedInSecond <= ASKED_PER_SECOND_MAX;
  }
}
