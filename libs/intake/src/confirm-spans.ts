import { parseTraceParent, type TraceParent, type Tracer } from '@eco/base';
import type { PublishOutcome } from '@eco/broker';
import type { Command } from '@eco/contracts';

/** Records how long the brokers take to confirm the command of a traced request. */
export function traceConfirm(
  tracer: Tracer,
  { trace, id }: { readonly trace?: TraceParent | undefined; readonly id: string },
  outcome: Promise<PublishOutcome>,
): Promise<PublishOutcome> {
  const span = trace && tracer.start('confirm', { parent: trace });
  return span === undefined ? outcome : ended([{ span, id }], 'at once', outcome);
}

/** In the text of a command of a traced request, and rarely in any other one. */
const MARK = '"traceparent":"';

/** The same for commands that waited in the journal, from their texts. */
export function traceRelayed(
  tracer: Tracer,
  commands: readonly string[],
  outcome: Promise<PublishOutcome>,
): Promise<PublishOutcome> {
  if (!tracer.isOn) return outcome;
  const spans = commands.flatMap((text) => {
    if (!text.includes(MARK)) return [];
    const { id, traceparent = '' } = JSON.parse(text) as Partial<Command>;
    const parent = parseTraceParent(traceparent);
    const span = parent?.sampled === true ? tracer.start('confirm', { parent }) : undefined;
    return span === undefined ? [] : [{ span, id }];
  });
  return spans.length === 0 ? outcome : ended(spans, 'from the journal', outcome);
}

async function ended(
  spans: readonly { span: NonNullable<ReturnType<Tracer['start']>>; id: string | undefined }[],
  sent: string,
  outcome: Promise<PublishOutcome>,
): Promise<PublishOutcome> {
  const settled = await outcome;
  const error = settled.type === 'confirmed' ? undefined : settled.type;
  for (const { span, id } of spans) {
    span.end({ 'eco.command_id': id, 'eco.outcome': settled.type, 'eco.sent': sent }, error);
  }
  return settled;
}
