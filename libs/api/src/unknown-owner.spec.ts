import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { headers } from '@eco/contracts';
import { Authorization, createFrame, startService, type Service } from '@eco/service';
import { openIntake } from '@eco/intake';
import { Reads } from '@eco/reads';
import { apiClientOf, specTokens } from '@eco/testing';
import { allCommandRoutes, CommandRoutes, StoredOwners } from './command-routes.js';

/*
 * The process has two groups and has seen no database of either, so it does not know the owner of a bucket. It has no
 * broker.
 */

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-unknown-'));
const services: Service[] = [];
afterAll(async () => {
  for (const service of services) await service.stop();
  rmSync(dir, { recursive: true });
});

async function start(name: string, branchId: string | null) {
  const frame = createFrame({ name, host: '127.0.0.1', port: 0, logLevel: 'silent' });
  const nowhere = { host: '127.0.0.1', port: 1 };
  const reads = new Reads({
    groups: ['g1', 'g2'].map((id) => ({ id, nodes: [nowhere] })),
    login: { user: 'nobody', password: '' },
    applicationName: name,
    log: frame.log,
    registry: frame.metrics.registry,
  });
  const opened = openIntake(frame, {
    brokers: [nowhere],
    login: { user: 'nobody', password: '' },
    branchId,
    sharedIdKey: createSecretKey(Buffer.alloc(16)),
    reads,
    ...(branchId === null ? { journal: { dir, limitBytes: 1024 * 1024 } } : {}),
  });
  const service = await startService(frame, {
    module: CommandRoutes.of(opened.intake, new StoredOwners(reads), allCommandRoutes),
    authorization: new Authorization({ secrets: await specTokens, graceSeconds: 0, branchId }),
    close: [() => opened.stop()],
  });
  services.push(service);
  return apiClientOf(() => service.url);
}

const order = (n: number) => ({ customerId: `ana-${n}`, lines: [{ productId: 'cafe-premium', quantity: 2 }] });
const unknown = 'no group is known to own its bucket: no database node has been seen yet';

it('Central keeps the commands that may wait and refuses the others', async () => {
  const ask = await start('central', null);
  for (let n = 0; n < 20; n += 1) {
    const { status, headers: answered } = await ask('POST', '/orders', order(n));
    expect([status, answered.get(headers.durability)]).toEqual([202, 'local']);
  }
  const customer = await ask('POST', '/customers', { name: 'Ana', email: 'ana@example.com' });
  expect(customer).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-accepted' } });
  expect(customer.body['detail']).toContain(unknown);
});

it('a branch refuses, because it has no journal', async () => {
  const ask = await start('sucursal-1', 'sucursal-1');
  const { status, headers: answered, body } = await ask('POST', '/orders', order(1));
  expect([status, answered.get(headers.retryAfter)]).toEqual([503, '2']);
  expect(body['detail']).toContain(unknown);
});
