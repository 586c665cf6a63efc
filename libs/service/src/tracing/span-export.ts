import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { within, type Log, type Span, type SpanName, type SpanStart, type TraceParent } from '@eco/base';
import { BackingOffExporter } from './backing-off-exporter.js';

/*
 * The only module that loads OpenTelemetry; it is itself loaded only if there is a collector. Spans are made by hand
 * and get their parents as arguments: there is no global tracer, no context manager and no instrumentation.
 */

/** Most spans that wait for the collector, some 2 MB. Further ones are dropped. */
const WAITING_MAX = 2048;
/** Longest text of an attribute, in characters. A position may name many groups and orders. */
const TEXT_MAX = 512;
/** Time that spans wait for others, ms. */
const GATHER_MS = 1_000;
/** Time limit of one message to the collector, with its repeats, ms. */
const EXPORT_MS = 5_000;
/** Time limit of the last message when the process stops, ms. A stop has 5 s for everything. */
const CLOSE_MS = 1_000;

const kinds: Record<SpanName, SpanKind> = {
  accept: SpanKind.SERVER,
  confirm: SpanKind.PRODUCER,
  batch: SpanKind.CONSUMER,
  commit: SpanKind.CLIENT,
  read: SpanKind.SERVER,
};

export interface SpanExportOptions {
  /** Name of the process. */
  readonly name: string;
  readonly endpoint: string;
  readonly log: Log;
}

export class SpanExport {
  readonly #exporter: BackingOffExporter;
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider['getTracer']>;

  constructor({ name, endpoint, log }: SpanExportOptions) {
    const exporter = new OTLPTraceExporter({
      url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
      timeoutMillis: EXPORT_MS,
    });
    this.#exporter = new BackingOffExporter(exporter, log);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.namespace': 'ecomarket', 'service.name': name }),
      spanLimits: { attributeValueLengthLimit: TEXT_MAX },
      // Callers start only spans of traces that are sampled.
      sampler: new AlwaysOnSampler(),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#exporter,
          maxQueueSize: WAITING_MAX,
          scheduledDelayMillis: GATHER_MS,
          exportTimeoutMillis: 2 * EXPORT_MS,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('ecomarket');
  }

  get state(): string {
    return this.#exporter.failure ?? 'spans reach the collector';
  }

  start(name: SpanName, { parent, links = [], atMs }: SpanStart = {}): Span {
    const span = this.#tracer.startSpan(
      name,
      {
        kind: kinds[name],
        links: links.map((link) => ({ context: spanContextOf(link) })),
        ...(atMs !== undefined && { startTime: new Date(atMs) }),
      },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)),
    );
    const { traceId, spanId } = span.spanContext();
    return {
      context: { traceId, spanId, sampled: true },
      end(attributes = {}, error) {
        span.setAttributes(attributes);
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
        span.end();
      },
    };
  }

  /** Sends the spans that wait. What the collector does not take in time is lost. */
  async close(): Promise<void> {
    await within(
      CLOSE_MS,
      this.#provider.shutdown().catch(() => undefined),
      () => undefined,
    );
  }
}

function spanContextOf({ traceId, spanId }: TraceParent): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
