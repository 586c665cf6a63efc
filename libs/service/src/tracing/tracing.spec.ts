import { spawnSync } from 'node:child_process';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { eventually, SpanCollector, specTokens } from '@eco/testing';
import { Authorization } from '../http/authorization.js';
import { Input, operation, type InputOf } from '../http/operation.js';
import { Operation } from '../open-api/operation.decorator.js';
import { createLog } from '../log.js';
import { createFrame, startService, type Service, type ServiceConfig } from '../service.js';

const traced = operation({
  id: 'traced',
  summary: 'Returns the trace that the operation sees',
  access: { anonymous: 'any' },
  answers: { 200: { description: 'The trace' } },
});

@Controller('traces')
class TracesController {
  @Get()
  @Operation(traced)
  read(@Input(traced) { trace }: InputOf<typeof traced>) {
    return { trace: trace ?? null };
  }

  @Post()
  @Operation(traced)
  accept(@Input(traced) { trace }: InputOf<typeof traced>) {
    return { trace: trace ?? null };
  }
}

@Module({ controllers: [TracesController] })
class TestModule {}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${SPAN}-01`;

type Line = Record<string, unknown>;

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.stop();
});

async function collect(port?: number): Promise<SpanCollector> {
  const collector = await SpanCollector.start(port);
  opened.push(collector);
  return collector;
}

async function serve(settings: Partial<ServiceConfig>) {
  const lines: Line[] = [];
  const config = { name: 'test', host: '127.0.0.1', port: 0, logLevel: 'info', ...settings } as const;
  const log = createLog(config, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  const service: Service = await startService(createFrame(config, log), {
    module: TestModule,
    authorization: new Authorization({ secrets: await specTokens, graceSeconds: 60, branchId: null }),
  });
  opened.push(service);
  const ask = async (traceparent?: string, method = 'GET') => {
    const headers = { 'content-type': 'application/json', ...(traceparent !== undefined && { traceparent }) };
    const body = method === 'POST' ? '{}' : undefined;
    const response = await fetch(`${service.url}/traces`, { method, headers, body });
    return { status: response.status, trace: ((await response.json()) as { trace: unknown }).trace };
  };
  return { ask, lines, service };
}

describe('with a collector', () => {
  it('records a request as the child of the span that its client names', async () => {
    const collector = await collect();
    const { ask } = await serve({ traceEndpoint: collector.url, traceRatio: 0 });
    const { trace } = await ask(SAMPLED);
    const span = await eventually('the span arrives', () => collector.spans[0]);
    expect(span).toMatchObject({ name: 'read', process: 'test', traceId: TRACE, parentSpanId: SPAN, error: null });
    expect(span.attributes).toMatchObject({ 'http.route': '/traces', 'http.response.status_code': 200 });
    expect(trace).toEqual({ traceId: TRACE, spanId: span.spanId, sampled: true });
  });

  it('begins traces at the ratio, and names reads and other requests differently', async () => {
    const collector = await collect();
    const { ask } = await serve({ traceEndpoint: collector.url, traceRatio: 1 });
    await ask(undefined, 'POST');
    const span = await eventually('the span arrives', () => collector.spans[0]);
    expect(span).toMatchObject({ name: 'accept', parentSpanId: null });
  });

  it.each([
    ['a client that does not want it', `00-${TRACE}-${SPAN}-00`],
    ['a client without a header, at ratio 0', undefined],
    ['a malformed header, which counts as none', `${SAMPLED}-more`],
    ['the header of two clients', `${SAMPLED}, ${SAMPLED}`],
  ])('records nothing for %s', async (_what, traceparent) => {
    const collector = await collect();
    const { ask, service } = await serve({ traceEndpoint: collector.url, traceRatio: 0 });
    expect(await ask(traceparent)).toEqual({ status: 200, trace: null });
    // A stop sends what waits.
    await service.stop();
    expect(collector.received).toBe(0);
  });

  it('records at most 100 requests a second whose clients ask for it', async () => {
    const collector = await collect();
    const { ask, service } = await serve({ traceEndpoint: collector.url, traceRatio: 0 });
    const startedMs = performance.now();
    const traces = await Promise.all(Array.from({ length: 250 }, async () => (await ask(SAMPLED)).trace));
    const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 1;
    const sampled = traces.filter((trace) => trace !== null).length;
    expect(sampled).toBeGreaterThan(0);
    expect(sampled).toBeLessThanOrEqual(100 * seconds);
    await service.stop();
    expect(collector.spans).toHaveLength(sampled);
  });

  it('answers while the collector is away, with one line at its begin and one at its end', async () => {
    const gone = await collect();
    const { url } = gone;
    await gone.stop();
    const { ask, lines } = await serve({ traceEndpoint: url, traceRatio: 1 });
    const linesOf = (text: string) => lines.filter(({ msg }) => String(msg).startsWith(text));
    expect((await ask()).status).toBe(200);
    await eventually('the failure is logged', () => linesOf('spans do not reach the collector')[0]);
    const collector = await collect(Number(new URL(url).port));
    await eventually('spans arrive', async () => (await ask()).status === 200 && collector.spans.length > 0);
    await eventually('the end is logged', () => linesOf('spans reach the collector again')[0]);
    expect(linesOf('spans do not reach the collector')).toHaveLength(1);
  });
});

describe('without a collector', () => {
  it('carries on the trace of a client and logs its id', async () => {
    const { ask, lines } = await serve({ traceRatio: 1 });
    expect((await ask(SAMPLED)).trace).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
    const line = await eventually('the request is logged', () => lines.find(({ msg }) => msg === 'request'));
    expect(line).toMatchObject({ traceId: TRACE });
  });

  it('begins no trace', async () => {
    const { ask } = await serve({ traceRatio: 1 });
    expect((await ask()).trace).toBeNull();
  });

  // A process of its own, because modules of other tests are loaded in this one.
  const loaded = (endpoint: string) => {
    const script = `
      const { createFrame, startService } = require('@eco/service');
      class Empty {}
      (async () => {
        const traceEndpoint = process.argv[1] === '' ? undefined : process.argv[1];
        const frame = createFrame({ name: 'test', logLevel: 'silent', traceRatio: 1, traceEndpoint });
        const service = await startService(frame, { module: { module: Empty } });
        console.log(Object.keys(require.cache).filter((file) => file.includes('sdk-trace')).length);
        await service.stop();
      })();
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, endpoint], {
      cwd: __dirname,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return Number(stdout);
  };

  it('does not load the SDK of OpenTelemetry', () => {
    expect(loaded('')).toBe(0);
    expect(loaded('http://127.0.0.1:9')).toBeGreaterThan(10);
  });
});
