import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { TokenSigner } from '@eco/access';
import { readRun, type RunningService } from '@eco/cluster';
import { Callers, eventually, startTestCluster, type TestCluster } from '@eco/testing';
import { Api } from '../system/system.js';
import { BranchProcess } from './branch-process.js';
import { Records } from './records.js';
import { Till } from './till.js';

const BRANCHES = ['norte', 'sur', 'este'];
/** Tokens stay valid while a branch's clock is days off. */
const TOKEN_SECONDS = 60 * 86_400;
/** Units that a branch aims to hold, so that three branches and the web shop all have some of 1,000. */
const LEAST_UNITS = 60;

/** The head office as `npm start` starts it, and branches behind lines that can be cut. */
export class BranchSystem {
  readonly central: Api;
  readonly records: Records;
  readonly #tokens = new Map<string, string>();

  private constructor(
    readonly cluster: TestCluster,
    readonly branches: readonly BranchProcess[],
  ) {
    this.records = new Records(cluster);
    const central = cluster.services.find(({ name }) => name === 'central-api');
    this.central = new Api(central?.url ?? '', new Callers(() => cluster.system.tokens));
  }

  /** A head office and three branches. */
  static async start(): Promise<BranchSystem> {
    const cluster = await startTestCluster({
      ...{ brokers: 1, groups: [{ id: 'g1', replicas: 1 }], writersPerGroup: 2, branchIds: BRANCHES },
    });
    return BranchSystem.of(cluster, { ECO_FETCH_LEAST_UNITS: String(LEAST_UNITS) });
  }

  /**
   * The branches of a running cluster. The suite starts them itself, in place of the cluster's own processes, because it
   * cuts their lines and moves their clocks.
   */
  static async of(cluster: TestCluster, settings: Readonly<Record<string, string>>): Promise<BranchSystem> {
    const layout = readRun(cluster.dataDir)?.layout;
    if (layout === undefined) throw new Error('the cluster has no run file');
    const branches = layout.services.flatMap(({ name: service, branchId }) => {
      if (branchId === undefined) return [];
      const place = { branchId, dataDir: cluster.dataDir, layout, service };
      return [new BranchProcess({ ...place, settings: { ECO_LOG_LEVEL: 'info', ...settings } })];
    });
    const system = new BranchSystem(cluster, branches);
    const started = cluster.services.filter(({ name }) => name.startsWith('sucursal-api'));
    await Promise.all(started.map((service) => service.stop()));
    const ports = await freePorts(2 * branches.length);
    await Promise.all(
      branches.map((branch, index) => branch.open([ports[2 * index] as number, ports[2 * index + 1] as number])),
    );
    return system;
  }

  /** Branches that the cluster itself runs, or another starter. */
  static running(cluster: TestCluster, branches: readonly BranchProcess[]): BranchSystem {
    return new BranchSystem(cluster, branches);
  }

  get writers(): readonly RunningService[] {
    return this.cluster.services.filter(({ name }) => name.startsWith('shard-writer'));
  }

  async close(): Promise<void> {
    await Promise.all(this.branches.map((branch) => branch.close()));
    await this.cluster.destroy();
  }

  /** `Authorization` of a manager of the branch. */
  async managerOf({ branchId }: BranchProcess): Promise<string> {
    const known = this.#tokens.get(branchId);
    if (known !== undefined) return known;
    const grant = { id: `manager of ${branchId}`, role: 'branch-manager', branchId } as const;
    const authorization = `Bearer ${await new TokenSigner(this.cluster.system.tokens).sign(grant, TOKEN_SECONDS)}`;
    this.#tokens.set(branchId, authorization);
    return authorization;
  }

  async till(branch: BranchProcess, name: string, productId: string): Promise<Till> {
    const till = new Till(branch, name, await this.managerOf(branch), productId);
    await till.open();
    return till;
  }

  async status(branch: BranchProcess): Promise<Record<string, unknown>> {
    const { status, text, body } = await branch.send('GET', '/status', await this.managerOf(branch));
    if (status !== 200 || body === undefined) throw new Error(`${status} ${text}`);
    return body;
  }

  /** Units that the branch may sell. */
  async remaining(branch: BranchProcess, productId: string): Promise<number> {
    const { status, text, body } = await branch.send('GET', '/inventory?limit=1000', await this.managerOf(branch));
    if (status !== 200) throw new Error(`${status} ${text}`);
    const { items } = body as unknown as { items: readonly { productId: string; remaining: number }[] };
    return items.find((item) => item.productId === productId)?.remaining ?? 0;
  }

  async createProduct(productId: string, stock: number): Promise<void> {
    const said = await this.central.post(
      '/products',
      { productId, name: productId, priceCents: 1_160, stock },
      { 'idempotency-key': randomUUID(), prefer: 'wait=30' },
    );
    if (said.status !== 201) throw new Error(`${said.status} ${said.text}`);
  }

  /** Sends units to a branch, and receives them there. Resolves when they can be sold. */
  async send(branch: BranchProcess, productId: string, quantity: number): Promise<void> {
    const sent = await this.central.post(
      '/transfers',
      { productId, from: 'central', to: branch.branchId, quantity },
      { 'idempotency-key': randomUUID(), prefer: 'wait=30' },
    );
    const transferId = sent.body?.['transferId'] as string;
    if (transferId === undefined) throw new Error(`${sent.status} ${sent.text}`);
    const manager = await this.managerOf(branch);
    await eventually(`${branch.branchId} receives ${quantity} units`, async () => {
      const where = `/transfers/${transferId}/receive`;
      const received = await branch.send('POST', where, manager, { productId }, transferId);
      if (received.status >= 300) throw new Error(`${received.status} ${received.text}`);
      return true;
    });
    await eventually(`${branch.branchId} knows ${productId}`, async () => {
      const said = await branch.send('GET', '/inventory?limit=1000', manager);
      const { items } = said.body as unknown as { items: readonly { productId: string; name: string | null }[] };
      return items.some((item) => item.productId === productId && item.name !== null);
    });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
