import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector received it. */
export interface ReceivedSpan {
  /** Name of the process that recorded it. */
  readonly process: string;
  readonly name: string;
  /** Number of OTLP's `SpanKind`. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it begins a trace. */
  readonly parentSpanId: string | null;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startMs: number;
  readonly endMs: number;
  /** Null: its work succeeded. */
  readonly error: string | null;
}

/** JSON of OTLP 1.x, as far as it is read here. */
interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan extends Pick<ReceivedSpan, 'name' | 'kind' | 'traceId' | 'spanId'> {
  readonly parentSpanId?: string;
  readonly links?: ReceivedSpan['links'];
  readonly attributes?: readonly OtlpAttribute[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code?: number; readonly message?: string };
}

/**
 * A collector of spans that a test starts: it takes OTLP as JSON over HTTP (`POST /v1/traces`), and shows what it has
 * (`GET /spans`).
 */
export class SpanCollector {
  readonly #server: Server;
  readonly #spans: ReceivedSpan[] = [];
  /** Status of its responses to senders of spans; a test may change it. */
  status = 200;
  /** Messages that arrived, also those that it did not take. */
  received = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(400).end(String(error));
      });
    });
  }

  static async start(port = 0): Promise<SpanCollector> {
    const collector = new SpanCollector();
    await new Promise<void>((resolve, reject) => {
      collector.#server.once('error', reject);
      collector.#server.listen(port, '127.0.0.1', resolve);
    });
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get spans(): readonly ReceivedSpan[] {
    return this.#spans;
  }

  /** It may be called any number of times. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' && request.url === '/spans') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.#spans));
      return;
    }
    if (request.method !== 'POST' || request.url !== '/v1/traces') {
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.received += 1;
    if (this.status === 200) this.#spans.push(...spansIn(JSON.parse(Buffer.concat(chunks).toString()) as OtlpTraces));
    response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
  }
}

function spansIn({ resourceSpans }: OtlpTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ parentSpanId, links = [], attributes = [], status, ...span }) => ({
        process: String(attributesOf(resource.attributes)['service.name']),
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: parentSpanId || null,
        links: links.map(({ traceId, spanId }) => ({ traceId, spanId })),
        attributes: attributesOf(attributes),
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        error: status?.code === STATUS_ERROR ? (status.message ?? '') : null,
      })),
    ),
  );
}

const STATUS_ERROR = 2;

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
