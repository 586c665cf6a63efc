import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { doubledMs, type Log } from '@eco/base';

/** Pause after a message that the collector did not take, ms. Spans of the pause are dropped. */
const PAUSE = { firstMs: 1_000, capMs: 60_000 };

type Export = SpanExporter['export'];

/**
 * Passes spans on to the collector. While the collector fails, it is tried rarely, and the log gets one line when that
 * begins and one when it ends: tracing must not cost more when it is of no use.
 */
export class BackingOffExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Log;
  readonly #nowMs: () => number;
  #failures = 0;
  #pausedUntilMs = 0;
  #dropped = 0;
  #failure: string | undefined;

  constructor(exporter: SpanExporter, log: Log, nowMs: () => number = () => performance.now()) {
    this.#exporter = exporter;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Why spans do not reach the collector now. Undefined: they do, or none was sent yet. */
  get failure(): string | undefined {
    return this.#failure;
  }

  export(...[spans, done]: Parameters<Export>): void {
    if (this.#nowMs() < this.#pausedUntilMs) {
      this.#dropped += spans.length;
      done({ code: SUCCESS });
      return;
    }
    this.#exporter.export(spans, ({ code, error }) => {
      if (Number(code) === SUCCESS) this.#succeeded();
      else this.#failed(spans.length, error?.message ?? 'no reason is known');
      // The processor reports each failure to a global handler, which nobody listens to.
      done({ code: SUCCESS });
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #succeeded(): void {
    if (this.#failure !== undefined) this.#log.info({ dropped: this.#dropped }, 'spans reach the collector again');
    this.#failure = undefined;
    this.#failures = 0;
    this.#dropped = 0;
  }

  #failed(spans: number, reason: string): void {
    this.#dropped += spans;
    this.#failures += 1;
    this.#pausedUntilMs = this.#nowMs() + doubledMs(this.#failures, PAUSE);
    if (this.#failure === undefined) {
      this.#log.warn({ reason }, 'spans do not reach the collector: they are dropped until it answers');
    }
    this.#failure = `spans are dropped: ${reason}`;
  }
}

/** `ExportResultCode.SUCCESS` of OpenTelemetry. */
const SUCCESS = 0;
