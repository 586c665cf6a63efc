import { SpanCollector, startTestCluster, suiteProvider, type TestCluster } from '@eco/testing';

declare global {
  var ecoSystem: TestCluster | undefined;
  var ecoCollector: SpanCollector | undefined;
}

/** Starts the whole system as `npm start` does, on free ports. A service that a test kills is restarted. */
export default async function start(): Promise<void> {
  // All tests send from one address, some of them hundreds of requests without a token.
  process.env['ECO_ANONYMOUS_REQUESTS_PER_MINUTE'] = '1000000';
  // A branch takes no units by itself: most tests count those of the head office.
  process.env['ECO_FETCH_LEAST_UNITS'] = '0';
  // Only requests whose test names a trace are traced.
  const collector = await SpanCollector.start();
  globalThis.ecoCollector = collector;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
  process.env['ECO_TRACE_RATIO'] = '0';
  const system = await startTestCluster({}, { provider: await suiteProvider() });
  await system.supervise(() => undefined);
  globalThis.ecoSystem = system;
  process.env['E2E_DATA_DIR'] = system.dataDir;
}
