/** A request as the header `traceparent` of W3C Trace Context names it, with the span that is the parent of further ones. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether spans of this trace are recorded. */
  readonly sampled: boolean;
}

const TRACEPARENT =
  /^(?<version>[0-9a-f]{2})-(?<traceId>(?!0{32})[0-9a-f]{32})-(?<spanId>(?!0{16})[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.{0,64})?$/;

/**
 * Undefined: the text is no `traceparent`. A version above 00 may have more fields, which are ignored
 * (https://www.w3.org/TR/trace-context/#versioning-of-traceparent).
 */
export function parseTraceParent(text: string): TraceParent | undefined {
  const { version, traceId, spanId, flags = '0', more } = TRACEPARENT.exec(text)?.groups ?? {};
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/**
 * The spans of EcoMarket:
 * - `accept`: a request that changes something, from its arrival until its response.
 * - `confirm`: from the hand-over of a command to the brokers until their confirm.
 * - `batch`: what one batch of a writer took, from load to COMMIT. It links to the `accept` of each sampled command.
 * - `commit`: the part of `batch` that stores, commits and waits for a replica.
 * - `read`: a request that reads.
 */
export type SpanName = 'accept' | 'confirm' | 'batch' | 'commit' | 'read';

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanStart {
  /** Absent: the span begins a trace. */
  readonly parent?: TraceParent | undefined;
  /** Spans of other traces that this one belongs to. At most 128 are recorded. */
  readonly links?: readonly TraceParent[];
  /** Start, ms since 1970. Absent: now. */
  readonly atMs?: number;
}

export interface Span {
  /** The parent of spans below this one. */
  readonly context: TraceParent;
  /** Ends the span now. `error`: why its work failed. */
  end(attributes?: SpanAttributes, error?: string): void;
}

/** Records spans. It never fails, and never waits. */
export interface Tracer {
  /** False: nothing is recorded, and `start` returns undefined. */
  readonly isOn: boolean;
  /** Callers start a span only for a trace that is sampled. */
  start(name: SpanName, start?: SpanStart): Span | undefined;
}

/** A tracer that records nothing. */
export const NO_TRACER: Tracer = { isOn: false, start: () => undefined };
