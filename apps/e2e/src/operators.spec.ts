import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** Requests of operators and other machines: health, metrics, documents, lag, load. */
let system: System;
beforeAll(async () => (system = await openSystem()));

const eco = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'), ...args, '--data', system.dataDir, '--json'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Record<string, unknown>;
};

interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly remedy?: string;
  readonly runbook?: string;
}

/** The same for a command that ends with another code when it finds something. */
async function ecoOutcome(command: string) {
  const args = [path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'), command, '--data', system.dataDir, '--json'];
  const stdout = await new Promise<string>((resolve) => execFile(process.execPath, args, (_, text) => resolve(text)));
  return JSON.parse(stdout) as { findings: Finding[]; wrong: Finding[] };
}

it('each process is live, ready and measured', async () => {
  const listeners = [...Object.values(system.operators), ...system.writers.map(({ operators }) => operators)];
  for (const api of listeners) {
    expect((await api.get('/health/live')).status).toBe(200);
    // A writer killed by another file may be starting.
    await eventually(`${api.url} is ready`, async () => (await api.get('/health/ready')).status === 200);
    const metrics = await api.get('/metrics');
    expect(metrics.text).toContain('process_cpu_seconds_total');
    expect(metrics.text).toContain('http_request_duration_seconds');
  }
});

it('each API has its documents, and they list its operations', async () => {
  for (const [api, paths] of [
    [
      system.operators.central,
      ['/orders', '/products', '/customers', '/carts/{customerId}/checkout', '/statistics/daily'],
    ],
    [system.operators.sucursal, ['/orders', '/customers']],
    [system.operators.read, ['/orders/{orderId}', '/changes', '/replication']],
  ] as const) {
    expect((await api.get('/docs')).text).toContain('swagger-ui');
    const { body } = await api.get('/docs-json');
    expect(body?.['openapi']).toMatch(/^3\.1/);
    expect(Object.keys(body?.['paths'] as object)).toEqual(expect.arrayContaining([...paths]));
  }
  const asyncApi = await system.operators.central.get('/docs/asyncapi.json');
  expect(asyncApi.body).toMatchObject({ asyncapi: expect.stringMatching(/^3\./) as string });
});

// ASVS 5.0: 13.4.5
it('a client gets the state of an API, and none of the other pages for operators', async () => {
  for (const api of [system.central, system.sucursal, system.read]) {
    const ready = await eventually(`${api.url} is ready`, async () => {
      const said = await api.get('/health/ready');
      return said.status === 200 && said;
    });
    expect(ready.body).toEqual({ status: 'ready' });
    for (const path of ['/', '/metrics', '/docs', '/docs-json', '/docs/asyncapi.json', '/docs/swagger-ui.css']) {
      expect([path, (await api.get(path)).status]).toEqual([path, 404]);
    }
  }
});

it('there is no guest, and a branch may not consume the queue of orders', async () => {
  const users = (await system.management('GET', '/users')) as { name: string }[];
  const names = users.map(({ name }) => name).sort();
  expect(names).toEqual([
    'branch.sucursal-1',
    'central',
    'consumers',
    'dead-letter-admin',
    'operator',
    'topology',
    'writer.g1',
  ]);
});

it('eco lag shows both replicas streaming, one of them synchronous', async () => {
  // A node that does not answer in time is shown without a role.
  await eventually('all three nodes are shown', async () => {
    const { nodes } = (await eco('lag', '--once')) as unknown as {
      nodes: { role: string; seenByPrimary: { state: string; syncState: string } | null }[];
    };
    expect(nodes.map(({ role }) => role).sort()).toEqual(['primary', 'replica', 'replica']);
    const replicas = nodes.filter(({ role }) => role === 'replica');
    expect(replicas.map(({ seenByPrimary }) => seenByPrimary)).toEqual([
      expect.objectContaining({ state: 'streaming', syncState: 'quorum' }),
      expect.objectContaining({ state: 'streaming', syncState: 'quorum' }),
    ]);
    return true;
  });
});

it('eco load places orders through both APIs while readers read, and finds every promise kept', async () => {
  const report = await eco(
    'load',
    '--warm-up',
    '100',
    '--orders',
    '500',
    '--products',
    '20',
    '--concurrency',
    '16',
    '--seed',
    '7',
  );
  expect(report).toMatchObject({ faults: [], accepted: 500, failedWrites: {}, reads: { failed: {} } });
  expect(report['check']).toMatchObject({ missing: [], unexpected: [], broken: [], confirmed: 600 });
}, 180_000);

it('eco doctor looks at every part, and eco status says what is wrong', async () => {
  // Other tests leave dead letters, and a writer killed by another file may be starting.
  const doctor = await eventually('all processes are ready', async () => {
    const report = await ecoOutcome('doctor');
    if (!report.findings.some(({ what }) => what === 'processes')) throw new Error(JSON.stringify(report.findings));
    return report;
  });
  const parts = doctor['findings'].map(({ what }) => what);
  expect(parts).toEqual(expect.arrayContaining(['slots of the replicas', 'longest queue', 'fullest journal']));
  expect(doctor['findings'].filter(({ measured }) => measured.startsWith('not known'))).toEqual([]);
  const { wrong, ...status } = await ecoOutcome('status');
  expect(Object.keys(status)).toEqual(['dataDir', 'supervisorPid', 'ready', 'processes']);
  for (const { remedy, runbook } of wrong) expect([typeof remedy, typeof runbook]).toEqual(['string', 'string']);
});
