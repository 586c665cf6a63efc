import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { OwnToken } from '@eco/access';
import { BENCH_DIR } from '../paths.js';
import { readResult, type LoadResult } from './result.js';

export type OrderKind = 'mixed' | 'hot';

export interface LoadSpec {
  readonly url: string;
  readonly kind: OrderKind;
  readonly products: number;
  readonly customers: number;
  readonly callers: number;
  readonly seconds: number;
  /** Wait requested by `Prefer: wait`; 0: none. */
  readonly waitSeconds: number;
  readonly seed: number;
  readonly token: OwnToken;
}

export interface Load extends AsyncDisposable {
  readonly pid: number;
  /** Resolves after the last response. The process still exists then, so that its CPU time can be read. */
  readonly result: Promise<LoadResult>;
}

/** Time after which an order counts as late. A run with late orders is faulty. */
const LATE_S = 30;

/** Starts wrk; resolves when its requests are prepared and it begins to send. `signal` kills it. */
export async function startLoad(program: string, spec: LoadSpec, signal: AbortSignal): Promise<Load> {
  const { kind, products, customers, waitSeconds, seed } = spec;
  return startScript(program, 'orders.lua', spec, [kind, products, customers, waitSeconds, seed], signal);
}

export interface ReadsSpec {
  readonly url: string;
  /** File of ids, one a line. */
  readonly ids: string;
  readonly callers: number;
  readonly seconds: number;
  readonly seed: number;
  readonly token: OwnToken;
}

/** Starts reads by id, like `startLoad`. */
export async function startReads(program: string, spec: ReadsSpec, signal: AbortSignal): Promise<Load> {
  return startScript(program, 'reads.lua', spec, [spec.ids, spec.seed], signal);
}

async function startScript(
  program: string,
  script: string,
  { url, callers, seconds, token }: { url: string; callers: number; seconds: number; token: OwnToken },
  given: readonly (string | number)[],
  signal: AbortSignal,
): Promise<Load> {
  // The token is in a file, because every user of the machine can read the arguments of a process.
  const folder = await mkdtemp(path.join(os.tmpdir(), 'eco-wrk-'));
  const tokenFile = path.join(folder, 'authorization');
  await writeFile(tokenFile, (await token.header()).authorization, { mode: 0o600 });
  const args = [
    // One thread sends about 100,000 requests per second, more than any system here answers.
    ...['--threads', '1', '--connections', String(callers), '--duration', `${seconds}s`],
    ...['--timeout', `${LATE_S}s`, '--script', path.join(BENCH_DIR, script), url, '--'],
    tokenFile,
    ...given.map(String),
  ];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));

  let isReady: () => void;
  let hasResult: (result: LoadResult) => void;
  const failed = ended.then(() => {
    throw new Error(`wrk ended without a result: ${said.join('').trim()}`);
  });
  const ready = Promise.race([new Promise<void>((resolve) => (isReady = resolve)), failed]);
  const result = Promise.race([new Promise<LoadResult>((resolve) => (hasResult = resolve)), failed]);
  failed.catch(() => undefined);
  result.catch(() => undefined);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    said.push(`${line}\n`);
    if (line === 'ready') isReady();
    const read = readResult(line);
    if (read) hasResult(read);
  });
  await ready.finally(() => rm(folder, { recursive: true }));
  return {
    pid: child.pid ?? 0,
    result,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    },
  };
}
