import { Controller, Get, Headers, Module } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { eventually } from '@eco/testing';
import { createFrame, startService, type Service } from '../service.js';

/** Requests that wait until the test ends them. */
const held = new Set<() => void>();

const Open = () => RouteConfig({ access: 'open' });

@Controller('things')
class ThingsController {
  @Get('now')
  @Open()
  now() {
    return { now: true };
  }

  /** Returns the preference that reaches a controller. */
  @Get('preferred')
  @Open()
  preferred(@Headers('prefer') prefer?: string) {
    return { waited: prefer ?? null };
  }

  @Get('later')
  @Open()
  async later(@Headers('prefer') prefer?: string) {
    if (prefer !== undefined) await new Promise<void>((resolve) => held.add(resolve));
    return { waited: prefer ?? null };
  }
}

@Module({ controllers: [ThingsController] })
class TestModule {}

const config = { name: 'test', port: 0, logLevel: 'silent' } as const;
let service: Service;

async function start(limits: object): Promise<void> {
  service = await startService(createFrame({ ...config, ...limits }), { module: TestModule });
}
afterEach(async () => {
  held.forEach((end) => end());
  held.clear();
  await service.stop();
});

const ask = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(service.url + path, { headers, ...(signal === undefined ? {} : { signal }) });
const metrics = async () => (await fetch(`${service.operatorsUrl}/metrics`)).text();

describe('requests', () => {
  // ASVS 5.0: 2.4.1
  it('beyond the budget of an address get 429 with the time to retry, while health and metrics still answer', async () => {
    await start({ anonymousRequestsPerMinute: 3 });
    for (let sent = 0; sent < 3; sent += 1) expect((await ask('/things/now')).status).toBe(200);
    const refused = await ask('/things/now');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ type: 'urn:ecomarket:problem:too-many-requests', status: 429 });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(60);
    expect((await ask('/health/ready')).status).toBe(200);
    expect(await metrics()).toMatch(/^http_budgets_exceeded_total\{budget="requests"\} 1$/m);
  });

  // ASVS 5.0: 4.1.3
  it('count for the address of the connection, whatever address a client states', async () => {
    await start({ anonymousRequestsPerMinute: 1 });
    expect((await ask('/things/now', { 'x-forwarded-for': '203.0.113.1' })).status).toBe(200);
    expect((await ask('/things/now', { 'x-forwarded-for': '203.0.113.2' })).status).toBe(429);
  });

  // ASVS 5.0: 15.3.4
  it('count for the address that a trusted load balancer names, and an IPv6 network counts as one address', async () => {
    await start({ anonymousRequestsPerMinute: 1, trustedProxies: ['loopback'] });
    const statuses = [];
    for (const address of ['203.0.113.1', '203.0.113.2', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']) {
      statuses.push((await ask('/things/now', { 'x-forwarded-for': address })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 200]);
  });
});

describe('waits', () => {
  const wait = (signal?: AbortSignal) => ask('/things/later', { prefer: 'respond-async, wait=30' }, signal);
  const waitedFor = async (response: Response) => ((await response.json()) as { waited: string | null }).waited;
  const untilHeld = (count: number) => eventually(`${count} wait`, () => held.size === count);

  it('beyond the budget of a client are answered at once, until one of its waits ends', async () => {
    await start({ anonymousWaits: 2 });
    const waiting = [wait(), wait()];
    await untilHeld(2);
    expect(await waitedFor(await wait())).toBeNull();
    expect(await metrics()).toMatch(/^http_budgets_exceeded_total\{budget="waits"\} 1$/m);
    held.forEach((end) => end());
    held.clear();
    for (const each of waiting) expect(await waitedFor(await each)).toContain('wait=30');
    void wait();
    await untilHeld(1);
  });

  it('of a client that disconnects end', async () => {
    await start({ totalWaits: 1 });
    const client = new AbortController();
    const left = wait(client.signal).catch(() => 'left');
    await untilHeld(1);
    client.abort();
    expect(await left).toBe('left');
    await eventually('a client may wait again', async () => {
      return (await waitedFor(await ask('/things/preferred', { prefer: 'wait=30' }))) !== null;
    });
  });
});
