import { formatTraceParent, NO_TRACER, type SpanAttributes, type TraceParent, type Tracer } from '@eco/base';
import type { PublishOutcome } from '@eco/broker';
import { traceConfirm, traceRelayed } from './confirm-spans.js';

const parent: TraceParent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };
const confirmed: Promise<PublishOutcome> = Promise.resolve({ type: 'confirmed' });
const nacked: Promise<PublishOutcome> = Promise.resolve({ type: 'nacked' });

interface Recorded {
  readonly parent: TraceParent | undefined;
  attributes?: SpanAttributes | undefined;
  error?: string | undefined;
}

function recorder(): { tracer: Tracer; spans: Recorded[] } {
  const spans: Recorded[] = [];
  const tracer: Tracer = {
    isOn: true,
    start: (_name, start) => {
      const span: Recorded = { parent: start?.parent };
      spans.push(span);
      return {
        context: parent,
        end: (attributes, error) => Object.assign(span, { attributes, error }),
      };
    },
  };
  return { tracer, spans };
}

const textOf = (id: string, trace?: TraceParent) =>
  JSON.stringify({ id, ...(trace && { traceparent: formatTraceParent(trace) }), body: {} });

it('a command of a traced request has a span until the brokers confirm it', async () => {
  const { tracer, spans } = recorder();
  expect(await traceConfirm(tracer, { trace: parent, id: '1' }, confirmed)).toEqual({ type: 'confirmed' });
  expect(spans).toEqual([
    { parent, attributes: { 'eco.command_id': '1', 'eco.outcome': 'confirmed', 'eco.sent': 'at once' } },
  ]);
});

it('a command that is not confirmed has a span with the reason', async () => {
  const { tracer, spans } = recorder();
  await traceConfirm(tracer, { trace: parent, id: '1' }, nacked);
  expect(spans).toMatchObject([{ error: 'nacked' }]);
});

it('only the commands of traced requests have spans when they leave a journal', async () => {
  const { tracer, spans } = recorder();
  const texts = [textOf('1'), textOf('2', parent), textOf('3', { ...parent, sampled: false }), '{"traceparent":"x"}'];
  await traceRelayed(tracer, texts, confirmed);
  expect(spans).toMatchObject([
    { parent, attributes: { 'eco.command_id': '2', 'eco.outcome': 'confirmed', 'eco.sent': 'from the journal' } },
  ]);
});

it.each([
  ['a request that is not traced', () => traceConfirm(recorder().tracer, { id: '1' }, confirmed)],
  ['tracing that is off', () => traceConfirm(NO_TRACER, { trace: parent, id: '1' }, confirmed)],
  ['a journal, with tracing off', () => traceRelayed(NO_TRACER, [textOf('1', parent)], confirmed)],
])('nothing is put between the publisher and its caller for %s', (_what, traced) => {
  expect(traced()).toBe(confirmed);
});
