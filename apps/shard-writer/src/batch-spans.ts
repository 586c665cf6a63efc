import { parseTraceParent, type TraceParent, type Tracer } from '@eco/base';
import type { Committed, Taken } from '@eco/writer';

/** Most commands of one batch to which its span links: OpenTelemetry records no more. */
const LINKS_MAX = 128;

/**
 * Records a stored batch and its commit, if a command of it is traced. A batch belongs to many requests, so it is a trace
 * of its own that links to theirs. The spans are made when the batch is over, from the times that were measured anyway.
 */
export function traceBatch(tracer: Tracer, { taken, state, effects, ms }: Committed): void {
  if (!tracer.isOn) return;
  const links = tracedOf(taken);
  if (links.length === 0) return;
  const { group, term, tag, seq } = state.position;
  const endMs = Date.now();
  const batch = tracer.start('batch', { links, atMs: endMs - ms.store - ms.decide - ms.load });
  tracer.start('commit', { parent: batch?.context, atMs: endMs - ms.store })?.end();
  batch?.end({
    'eco.position': `${group}=${term}.${tag}.${seq}`,
    'eco.commands': taken.length,
    'eco.dead_letters': effects.deadLetters.length,
    'eco.load_ms': ms.load,
    'eco.decide_ms': ms.decide,
    'eco.store_ms': ms.store,
  });
}

function tracedOf(taken: readonly Taken[]): TraceParent[] {
  const traced: TraceParent[] = [];
  for (const { arrived } of taken) {
    const text = arrived.readable ? arrived.command.traceparent : undefined;
    const parent = text === undefined ? undefined : parseTraceParent(text);
    if (parent?.sampled === true && traced.length < LINKS_MAX) traced.push(parent);
  }
  return traced;
}
