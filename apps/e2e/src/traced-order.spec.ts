import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually, type ReceivedSpan } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** An order that a client traces: five spans, of all processes on its way, at a collector of the test. */
let system: System;
beforeAll(async () => (system = await openSystem()));

interface Client {
  readonly traceId: string;
  readonly spanId: string;
  readonly headers: { readonly traceparent: string };
}

function client(): Client {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

async function received(): Promise<readonly ReceivedSpan[]> {
  const response = await fetch(`${process.env['OTEL_EXPORTER_OTLP_ENDPOINT']}/spans`);
  return (await response.json()) as readonly ReceivedSpan[];
}

const one = (spans: readonly ReceivedSpan[], name: string, of: (span: ReceivedSpan) => boolean): ReceivedSpan => {
  const found = spans.filter((span) => span.name === name && of(span));
  if (found.length !== 1) throw new Error(`${found.length} spans ${name}, among ${spans.length}`);
  return found[0] as ReceivedSpan;
};

/** What `eco trace` prints of this id. */
async function tracedByLogs(id: string): Promise<string> {
  const eco = path.join(PROJECT_DIR, 'apps/eco/dist/main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [eco, 'trace', id, '--data', system.dataDir]);
  return stdout;
}

/** The spans of an order that this client placed, and of its reads. */
async function spansOf({ traceId }: Client, reads: number) {
  return eventually('the five spans arrive', async () => {
    const spans = await received();
    const own = (span: ReceivedSpan) => span.traceId === traceId;
    const accept = one(spans, 'accept', own);
    const read = spans.filter((span) => own(span) && span.name === 'read');
    if (read.length !== reads) throw new Error(`${read.length} spans read`);
    const batch = one(spans, 'batch', ({ links }) => links.some((link) => link.traceId === traceId));
    return {
      accept,
      confirm: one(spans, 'confirm', own),
      batch,
      commit: one(spans, 'commit', (span) => span.traceId === batch.traceId),
      reads: read,
    };
  });
}

describe.each(['central', 'sucursal'] as const)('an order through %s', (api) => {
  it('gives the spans accept, confirm, batch, commit and read', async () => {
    const productId = `traced-${api}`;
    await system.central.post('/products', { productId, name: 'Traced', priceCents: 250, stock: 10 });
    const traced = client();
    const order = { customerId: `traced-${api}`, lines: [{ productId, quantity: 1 }] };
    const placed = await system[api].post('/orders', order, { ...traced.headers, prefer: 'wait=30' });
    expect(placed.status).toBe(201);
    const orderId = String(placed.body?.['orderId']);
    const position = String(placed.headers.get('ecomarket-position'));
    const shown = await system[api].get(`/orders/${orderId}`, { ...traced.headers, 'ecomarket-position': position });
    expect(shown.status).toBe(200);

    // A branch reads through the read-service, whose span is below its own.
    const { accept, confirm, batch, commit, reads } = await spansOf(traced, api === 'sucursal' ? 2 : 1);
    expect(accept.process).toContain(api);
    expect(accept.parentSpanId).toBe(traced.spanId);
    expect(accept.attributes).toMatchObject({
      'http.route': '/orders',
      'eco.correlation_id': placed.headers.get('x-correlation-id'),
      'eco.location': `/orders/${orderId}`,
    });
    expect(confirm).toMatchObject({ process: accept.process, parentSpanId: accept.spanId });
    expect(confirm.attributes).toMatchObject({ 'eco.command_id': orderId, 'eco.outcome': 'confirmed' });

    // A batch belongs to many orders, so it is a trace of its own.
    expect(batch.process).toContain('shard-writer');
    expect(batch.parentSpanId).toBeNull();
    expect(batch.links).toEqual([{ traceId: traced.traceId, spanId: accept.spanId }]);
    expect(batch.attributes).toMatchObject({ 'eco.position': position, 'eco.commands': 1 });
    expect(commit).toMatchObject({ process: batch.process, parentSpanId: batch.spanId });
    expect(commit.startMs).toBeGreaterThanOrEqual(batch.startMs);
    expect(commit.endMs).toBeLessThanOrEqual(batch.endMs);

    const first = reads.find(({ parentSpanId }) => parentSpanId === traced.spanId);
    expect(first).toMatchObject({ process: accept.process });
    expect(first?.attributes['http.route']).toBe('/orders/:orderId');
    expect(String(first?.attributes['eco.source'])).toMatch(/^g1-\d/);
    if (api === 'sucursal') {
      expect(reads).toContainEqual(expect.objectContaining({ process: 'read-service', parentSpanId: first?.spanId }));
    }
    // Without a collector, logs and rows show the same way, from any of its ids.
    const ids = [
      orderId,
      ...(api === 'central' ? [String(placed.headers.get('x-correlation-id')), traced.traceId] : []),
    ];
    for (const id of ids) {
      const printed = await eventually('the statistics have the order', async () => {
        const text = await tracedByLogs(id);
        return text.includes('statistics: applied') && text;
      });
      expect(printed).toContain('POST /orders → 201: confirmed by a majority of the brokers');
      expect(printed).toMatch(new RegExp(`batch \\d+\\.\\d+ of 1 command`));
      expect(printed).toContain(`order.place: done at position ${position}`);
      expect(printed).toContain('event order.confirmed');
      expect(printed).toContain(`commands: ${orderId}`);
      expect(printed).toContain('not read: notifications');
    }
    for (const span of [accept, confirm, batch, commit, ...reads]) expect(span.error).toBeNull();
  });
});

it('a malformed header changes nothing, and no span names it', async () => {
  const { traceId, spanId } = client();
  await system.central.post('/products', { productId: 'untraced', name: 'Untraced', priceCents: 250, stock: 10 });
  const order = { customerId: 'untraced', lines: [{ productId: 'untraced', quantity: 1 }] };
  const traceparent = `00-${traceId}-${spanId}-01-more`;
  expect((await system.central.post('/orders', order, { traceparent, prefer: 'wait=30' })).status).toBe(201);
  // A later order has all its spans, so those of this one would have arrived.
  const traced = client();
  await system.central.post('/orders', order, { ...traced.headers, prefer: 'wait=30' });
  await spansOf(traced, 0);
  const named = (await received()).filter((span) => JSON.stringify(span).includes(traceId));
  expect(named).toEqual([]);
});
