import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { openSystem, type System } from '../system/system.js';
import { ApiDocument } from './api-document.js';

/** The examples of docs/clients.md run as they stand there: others write their clients from them. */
const run = promisify(execFile);
const OUT_DIR = path.join(PROJECT_DIR, 'apps/e2e/dist/contract');
const PRODUCT = 'contract-tea';
const LIMIT = { maxBuffer: 16 * 1024 * 1024, timeout: 120_000 };

let system: System;
beforeAll(async () => {
  system = await openSystem();
  mkdirSync(OUT_DIR, { recursive: true });
  writeFileSync(path.join(OUT_DIR, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const productId of [PRODUCT, 'contract-mate', 'contract-cocoa']) {
    const said = await system.central.post('/products', { productId, name: productId, priceCents: 100, stock: 1000 });
    expect(said.status).toBe(201);
  }
});

/** The first block of this language in the document. */
function exampleOf(language: string): string {
  const text = readFileSync(path.join(PROJECT_DIR, 'docs/clients.md'), 'utf8');
  const [, example] = new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, 's').exec(text) ?? [];
  if (example === undefined) throw new Error(`docs/clients.md has no example in ${language}`);
  return example;
}

it('a generated client compiles without a cast, and places, reads and pages', async () => {
  const write = (file: string, text: string) => writeFileSync(path.join(OUT_DIR, file), text);
  const { openApi } = await ApiDocument.readFrom(system.operators.central.url);
  write('central.json', JSON.stringify(openApi));
  const client = exampleOf('ts');
  expect(client).not.toMatch(/\bas \w|\bany\b|@ts-/);
  write('client.ts', client);
  const tsconfig = {
    compilerOptions: { strict: true, module: 'nodenext', target: 'es2023', noEmit: true, types: ['node'] },
    files: ['client.ts'],
  };
  write('tsconfig.json', JSON.stringify(tsconfig));
  const bin = path.join(PROJECT_DIR, 'node_modules');
  const options = { cwd: OUT_DIR, ...LIMIT };
  await run(
    process.execPath,
    [path.join(bin, 'openapi-typescript/bin/cli.js'), 'central.json', '-o', 'central.d.ts'],
    options,
  );
  await run(path.join(bin, '.bin/tsc'), ['-p', 'tsconfig.json'], options).catch((error: { stdout?: string }) => {
    throw new Error(error.stdout);
  });
  const { authorization } = await system.callers.usual('/orders');
  const env = {
    ...process.env,
    CENTRAL_URL: system.central.url,
    TOKEN: authorization.replace('Bearer ', ''),
    PRODUCT,
  };
  const { stdout } = await run(process.execPath, ['client.ts'], { ...options, env });
  expect(stdout).toMatch(/^order ([0-9a-f-]{36}) confirmed\nread \1 confirmed\nproducts \d+\n$/);
});

describe('a consumer of events, with a user of its own', () => {
  const eco = async (...args: string[]) => {
    const bin = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');
    return run(process.execPath, [bin, ...args, '--data', system.dataDir], LIMIT);
  };
  const state = path.join(OUT_DIR, 'state.json');
  let env: NodeJS.ProcessEnv;
  const seen: { seq: number; n: number; type: string; data: { orderId: string } }[] = [];

  beforeAll(async () => {
    rmSync(state, { force: true });
    writeFileSync(path.join(OUT_DIR, 'follow.js'), exampleOf('js'));
    const added = JSON.parse((await eco('users', 'add', '--events', 'shipping', '--json')).stdout) as Record<
      string,
      string
    >;
    const [broker] = added['brokers'] as unknown as string[];
    env = {
      ...process.env,
      AMQP_URL: `amqp://${added['user']}:${added['brokerPassword']}@${broker}/${added['vhost']}`,
      CENTRAL_URL: added['central'],
      READ_URL: added['readService'],
      USER: added['user'],
      PASSWORD: added['accountPassword'],
      STATE: state,
    };
  });

  function start(): ChildProcess {
    const child = spawn(process.execPath, ['follow.js'], { cwd: OUT_DIR, env, stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line) as (typeof seen)[number]));
    return child;
  }

  async function place(): Promise<string> {
    const said = await system.central.post(
      '/orders',
      { customerId: 'contract', lines: [{ productId: PRODUCT, quantity: 1 }] },
      { prefer: 'wait=30' },
    );
    expect(said.status).toBe(201);
    return said.body?.['orderId'] as string;
  }

  const hasSeen = (orderId: string) =>
    eventually(`the consumer has order ${orderId}`, async () => seen.some(({ data }) => data.orderId === orderId));

  it('gets every change once and in order, also those from before its start and while it was away', async () => {
    const orders = [await place()];
    const first = start();
    await hasSeen(orders[0] ?? '');
    for (let count = 0; count < 5; count += 1) orders.push(await place());
    await hasSeen(orders.at(-1) ?? '');
    first.kill('SIGKILL');
    orders.push(await place(), await place());
    const second = start();
    await hasSeen(orders.at(-1) ?? '');
    second.kill('SIGKILL');

    const keys = seen.map(({ seq, n }) => seq * 100_000 + n);
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
    const own = seen.filter(({ type, data }) => type === 'order.confirmed' && orders.includes(data.orderId));
    expect(own.map(({ data }) => data.orderId)).toEqual(orders);
  });

  it('is added once, and refused after it was removed', async () => {
    await expect(eco('users', 'add', '--events', 'shipping')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is a broker user events.shipping already') as string,
    });
    await expect(eco('users', 'add', '--events', 'Ship.ping')).rejects.toMatchObject({ code: 2 });
    await eco('users', 'remove', '--events', 'shipping');
    const child = start();
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).not.toBe(0);
    const users = (await system.management('GET', '/users')) as { name: string }[];
    expect(users.map(({ name }) => name)).not.toContain('events.shipping');
  });
});
