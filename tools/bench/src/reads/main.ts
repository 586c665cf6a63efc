import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureTool, UsageCommand, wholeNumberOf, wholeNumbersOf } from '@eco/cluster';
import { CALLERS_MAX, ROUNDS_MAX, SECONDS_MAX } from '../options.js';
import { compareWithBaseline, type Compared } from '../baseline.js';
import { median } from '../figures.js';
import { startProgram } from '../forked-program.js';
import { addProducts, productsOf } from '../products.js';
import { System } from '../system.js';
import type { LoadResult } from '../wrk/result.js';
import { startReads } from '../wrk/wrk.js';

/*
 * Reads of orders by id, in one run on one machine: through the read-service, which chooses among three nodes, and
 * through a bare handler with one replica. Rounds alternate, so that drift affects both.
 */

const program = new UsageCommand('npm run bench:reads --')
  .description('compare reads by id with a bare Fastify + pg handler on one node; nothing else should run')
  .option('--seconds <n>', 'of each segment', '10')
  .option('--rounds <n>', 'each measures the bare handler, then ours', '3')
  .option('--callers <list>', 'how many at once', '16,64,256')
  .option('--orders <n>', 'to read', '10000')
  .option('--json', 'print JSON')
  .action(run);

interface Options {
  readonly seconds: string;
  readonly rounds: string;
  readonly callers: string;
  readonly orders: string;
  readonly json?: true;
}

export interface ReadsResult {
  readonly segments: readonly Segment[];
  readonly shares: readonly { readonly node: string; readonly role: string; readonly share: number }[];
}

interface Segment extends LoadResult {
  readonly side: Compared;
  readonly callers: number;
}

async function run(options: Options): Promise<void> {
  const violations: string[] = [];
  const seconds = wholeNumberOf('--seconds', options.seconds, { max: SECONDS_MAX }, violations);
  const rounds = wholeNumberOf('--rounds', options.rounds, { max: ROUNDS_MAX }, violations);
  const orders = wholeNumberOf('--orders', options.orders, { max: 10_000_000 }, violations);
  const callers = wholeNumbersOf('--callers', options.callers, { max: CALLERS_MAX }, violations);
  program.refuse(violations);
  const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const { signal } = interrupt;
  const wrk = await ensureTool('wrk', say);
  const system = await System.open(say);
  const ids = path.join(os.tmpdir(), `eco-bench-reads-${process.pid}`);
  try {
    say('starting the system');
    await system.start();
    await addProducts(system.centralUrl, system.token, productsOf(100));
    say(`placing ${orders} orders`);
    await writeFile(ids, (await placeOrders(system, orders)).join('\n'));
    const bare = await startProgram(
      path.join(__dirname, '../monolith/bare-read.js'),
      { ...system.replica, ...system.login('eco_reader') },
      signal,
    );
    const measure = async (side: Compared, at: number, round: number): Promise<Segment> => {
      const { token } = system;
      const url = side === 'bare' ? bare.url : system.readUrl;
      await using load = await startReads(
        wrk,
        { url, ids, token, callers: at, seconds, seed: round * 1000 + at },
        signal,
      );
      return { side, callers: at, ...(await load.result) };
    };
    const format = ({ done, seconds: tookSeconds }: Segment) => `${Math.round(done / tookSeconds)} reads/s`;
    const segments = await compareWithBaseline({ callers, rounds }, measure, format, say);
    await bare.end();
    const shares = await sharesOf(system);
    console.log(options.json ? JSON.stringify({ segments, shares }, null, 2) : reportOf(segments, callers, shares));
    if (segments.some(({ failed }) => failed > 0)) process.exitCode = 1;
  } finally {
    await writeFile(ids, '');
    await system.destroy();
  }
}

const AT_ONCE = 64;

/** Ids of orders that are decided and on the replicas. */
async function placeOrders({ centralUrl, token }: System, orders: number): Promise<string[]> {
  const ids: string[] = [];
  let left = orders;
  const place = async () => {
    while (left > 0) {
      left -= 1;
      const response = await fetch(`${centralUrl}/orders`, {
        method: 'POST',
        headers: { ...(await token.header()), 'content-type': 'application/json', prefer: 'wait=30' },
        body: JSON.stringify({
          customerId: `bench-${left % 1000}`,
          lines: [{ productId: `bench-${(left % 100) + 1}`, quantity: 1 }],
        }),
      });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`POST /orders answered ${response.status}: ${text}`);
      ids.push((JSON.parse(text) as { orderId: string }).orderId);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, place));
  return ids;
}

async function sharesOf({ readUrl, operator }: System): Promise<{ node: string; role: string; share: number }[]> {
  const response = await fetch(`${readUrl}/replication`, { headers: await operator.header() });
  const { nodes } = (await response.json()) as { nodes: { node: string; role: string; share: number }[] };
  return nodes.map(({ node, role, share }) => ({ node, role, share }));
}

function reportOf(
  segments: readonly Segment[],
  callers: readonly number[],
  shares: Awaited<ReturnType<typeof sharesOf>>,
): string {
  const lines = callers.flatMap((at) =>
    (['bare', 'ours'] as const).map((side) => {
      const own = segments.filter((segment) => segment.side === side && segment.callers === at);
      const of = (valueOf: (segment: Segment) => number) => median(own.map(valueOf)) ?? 0;
      const rate = Math.round(of(({ done, seconds }) => done / seconds));
      const failed = own.reduce((sum, each) => sum + each.failed, 0);
      return `${String(at).padStart(4)} callers  ${side}  ${String(rate).padStart(7)} reads/s  p50 ${of(({ p50Ms }) => p50Ms).toFixed(2)} ms  p99 ${of(({ p99Ms }) => p99Ms).toFixed(2)} ms  failed ${failed}`;
    }),
  );
  return [...lines, ...shares.map(({ node, role, share }) => `${node} (${role}) ${(share * 100).toFixed(1)} %`)].join(
    '\n',
  );
}

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
