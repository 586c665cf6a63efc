import { spawn } from 'node:child_process';
import path from 'node:path';

/*
 * A till's server as a process of its own. It runs the built library, as a branch does.
 */

export interface SellingOptions {
  readonly dir: string;
  /** The process prints so many sales or more, and is then killed. */
  readonly sales: number;
  readonly callers?: number;
  /** The process kills itself at this step of its sale number `atSale`. */
  readonly step?: string;
  readonly atSale?: number;
  /** True: it does not sync, as if the disk's promise was not waited for. */
  readonly unsynced?: boolean;
}

const UNITS = 1_000_000;
/** Units of the product `cafe` that a new branch takes over. */
export const UNITS_AT_START = UNITS;

/** Sells without pause, and prints each sale that was acknowledged, after the id of each sale that it begins. */
const program = `
  const { DatabaseSync } = require('node:sqlite');
  const files = [];
  const exec = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (text) {
    if (text.includes('synchronous = FULL')) files.push(this);
    return exec.call(this, text);
  };
  const { randomUUID } = require('node:crypto');
  const { BranchDatabase } = require('@eco/branch');
  const { dir, callers = 1, step, atSale, unsynced } = JSON.parse(process.argv[1]);
  let isSelling = false;
  let seen = 0;
  const branch = new BranchDatabase({
    dir, branchId: 'sucursal-1', name: 'till', limitBytes: 4e9, series: 'A', coin: 0, taxBasisPoints: 1600,
    onStep: (name) => {
      if (isSelling && name === step && ++seen === atSale) process.kill(process.pid, 'SIGKILL');
    },
  });
  const asked = () => ({ id: randomUUID(), correlationId: 'till' });
  async function prepare() {
    const tills = Array.from({ length: callers }, (_, n) => String(n + 1));
    if (branch.status.frozen === 'new') {
      const data = { productId: 'cafe', name: 'Café', priceCents: 1000, version: 1 };
      const change = { type: 'product.created', seq: 1, n: 0, commandId: randomUUID(), at: new Date().toISOString(), data };
      await branch.home.applyChanges({ topic: 'products', changes: [change], after: null, next: '1' });
      await branch.home.report(0);
      await branch.home.takeOverLevels({ incarnation: 1, cursor: '0', levels: [{ productId: 'cafe', onHand: ${UNITS} }] });
    }
    for (const till of tills) {
      await branch.shifts.registerTill({ ...asked(), till, name: till });
      await branch.shifts.open({ ...asked(), till, openingCents: 0 });
    }
    if (unsynced) for (const file of files) exec.call(file, 'PRAGMA synchronous = OFF');
    isSelling = true;
    return tills;
  }
  async function sell(till) {
    for (;;) {
      const { id, correlationId } = asked();
      const lines = [{ productId: 'cafe', quantity: 2 }];
      const tender = { cash: { moneyReceivedCents: 5000 } };
      require('node:fs').writeSync(1, 'begun ' + id + '\\n');
      const sold = await branch.sales.sell({ id, correlationId, till, customerId: null, lines, tender });
      if (sold.type !== 'done') throw new Error(JSON.stringify(sold));
      require('node:fs').writeSync(1, 'sold ' + id + ' ' + sold.value.receiptNumber + '\\n');
    }
  }
  void prepare().then((tills) => tills.forEach((till) => void sell(till)));
`;

export interface Sold {
  /** Ids of the sales that were begun, and receipt numbers of those that were acknowledged, by id. */
  readonly begun: readonly string[];
  readonly receipts: ReadonlyMap<string, string>;
}

/** Runs it until it is killed, and returns everything that it printed. */
export async function sellUntilKilled(options: SellingOptions): Promise<Sold> {
  const child = spawn(process.execPath, ['-e', program, JSON.stringify(options)], {
    cwd: path.dirname(__dirname),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  let sales = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    printed += text;
    sales += text.split('sold ').length - 1;
    if (sales >= options.sales) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, ended) => resolve(ended)));
  if (signal !== 'SIGKILL') throw new Error(`the process ended by itself: ${String(signal)}`);
  // The last line may be cut.
  const lines = printed
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '));
  return {
    begun: lines.filter(([what]) => what === 'begun').map(([, id = '']) => id),
    receipts: new Map(lines.filter(([what]) => what === 'sold').map(([, id = '', receipt = '']) => [id, receipt])),
  };
}
