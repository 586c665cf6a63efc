import { readFileSync } from 'node:fs';
import path from 'node:path';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { droppedLogLines } from './log.js';

/** A registry per process, so that a test can start two in one. */
export class Metrics {
  readonly registry = new Registry();
  readonly refusedConnections: Counter;
  readonly budgetsExceeded: Counter<'budget'>;
  readonly #requestSeconds: Histogram<'method' | 'route' | 'status'>;
  readonly #children = new Map<string, Histogram.Internal<'method' | 'route' | 'status'>>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'eco_build_info',
      help: '1; the labels say which version of EcoMarket this is',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version: version() }, 1);
    this.#requestSeconds = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the request line to the last byte of the response, by route pattern',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [this.registry],
    });
    this.refusedConnections = new Counter({
      name: 'http_connections_refused_total',
      help: 'Connections closed at once because the largest allowed number was open',
      registers: [this.registry],
    });
    this.budgetsExceeded = new Counter({
      name: 'http_budgets_exceeded_total',
      help: 'Requests refused (requests) or answered without their wait (waits) because a client had used its budget',
      labelNames: ['budget'],
      registers: [this.registry],
    });
    new Counter({
      name: 'eco_log_lines_dropped_total',
      help: 'Log lines that could not be written',
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(droppedLogLines());
      },
    });
  }

  /** `route` is a pattern such as `/orders/:orderId`, never the requested path: labels must be few. */
  observeRequest(method: string, route: string, status: number, seconds: number): void {
    const key = `${method} ${route} ${status}`;
    let child = this.#children.get(key);
    if (child === undefined) {
      child = this.#requestSeconds.labels(method, route, String(status));
      this.#children.set(key, child);
    }
    child.observe(seconds);
  }
}

/** All packages of the project have one version. */
function version(): string {
  const file = path.resolve(__dirname, '../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
