import { shuffled } from '@eco/base';
import { UsageCommand, wholeNumberOf } from '@eco/cluster';
import { REQUESTS_MAX, ROUNDS_MAX } from '../options.js';
import Fastify, { type FastifyInstance } from 'fastify';
import { addTracing, createLog, Tracing } from '@eco/service';
import { SpanCollector } from '@eco/testing';
import { orderRequestSchema } from '../order-request.js';

/*
 * Measures the cost of tracing: one bare route without its hooks, and with them in several states. Requests are injected
 * into one process, so that the network adds no noise. The order within a round is random, so that drift and what one
 * leaves to the next affect all. The fastest rounds count, because the machine only adds time; the route without tracing
 * is measured twice, and the difference between the two is the error.
 */

const program = new UsageCommand('npm run bench:tracing --')
  .description('compare a route without tracing, without a collector, and with one; nothing else should run')
  .option('--requests <n>', 'of each round', '500')
  .option('--rounds <n>', 'each measures all', '100')
  .option('--json', 'print JSON')
  .action(run);

/** CPU of one request, µs. */
export interface TracingResult {
  readonly rows: readonly { readonly name: string; readonly micros: number; readonly moreMicros: number }[];
}

interface Options {
  readonly requests: string;
  readonly rounds: string;
  readonly json?: true;
}

interface Side {
  readonly name: string;
  readonly server: FastifyInstance;
  readonly headers: Readonly<Record<string, string>>;
}

/** Rounds that compile the code, and do not count. */
const WARM_UP_ROUNDS = 20;

const TRACE = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };

async function run(options: Options): Promise<void> {
  const violations: string[] = [];
  const requests = wholeNumberOf('--requests', options.requests, { max: REQUESTS_MAX }, violations);
  const rounds = wholeNumberOf('--rounds', options.rounds, { max: ROUNDS_MAX }, violations);
  program.refuse(violations);
  const collector = await SpanCollector.start();
  const [none, off] = [route(), route(await openTracing())];
  const sides: Side[] = [
    { name: 'no tracing', server: none, headers: {} },
    { name: 'no tracing, again', server: route(), headers: {} },
    { name: 'no collector', server: off, headers: {} },
    { name: 'no collector, traceparent', server: off, headers: TRACE },
    { name: '1 in 100 recorded', server: route(await openTracing(collector.url, 0.01)), headers: {} },
    { name: 'all recorded', server: route(await openTracing(collector.url, 1)), headers: {} },
  ];
  const micros = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const side of shuffled(sides)) {
      const took = await microsOf(side, requests);
      if (round >= 0) micros.get(side.name)?.push(took);
    }
  }
  await Promise.all(sides.map(({ server }) => server.close()));
  await collector.stop();
  const base = fast(micros.get('no tracing') ?? []);
  const rows = [...micros].map(([name, values]) => ({
    name,
    micros: fast(values),
    moreMicros: fast(values) - base,
  }));
  if (options.json) return console.log(JSON.stringify({ requests, rounds, rows }, null, 2));
  for (const { name, micros: all, moreMicros } of rows) {
    console.log(`${name.padEnd(28)} ${all.toFixed(1).padStart(6)} µs a request, ${moreMicros.toFixed(1)} µs more`);
  }
}

/** The time that one round in twenty does not exceed. */
function fast(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 20)] ?? 0;
}

function route(tracing?: Tracing): FastifyInstance {
  const server = Fastify();
  if (tracing) addTracing(server, tracing);
  const config = { access: { manager: 'any' } } as const;
  server.post('/orders', { schema: { body: orderRequestSchema }, config }, (_request, reply) =>
    reply.code(202).send({ orderId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e', status: 'accepted' }),
  );
  return server;
}

async function openTracing(traceEndpoint?: string, traceRatio = 0): Promise<Tracing> {
  const log = createLog({ name: 'bench', logLevel: 'error' });
  const tracing = new Tracing({ name: 'bench', traceEndpoint, traceRatio }, log);
  await tracing.open();
  return tracing;
}

async function microsOf({ server, headers }: Side, requests: number): Promise<number> {
  const payload = { customerId: 'ana', lines: [{ productId: 'pan-integral', quantity: 1 }] };
  const before = process.cpuUsage();
  for (let sent = 0; sent < requests; sent += 1) {
    const { statusCode } = await server.inject({ method: 'POST', url: '/orders', headers, payload });
    if (statusCode !== 202) throw new Error(`POST /orders answered ${statusCode}`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
