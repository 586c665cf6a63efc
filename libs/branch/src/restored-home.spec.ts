import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from '@eco/contracts';
import type { BranchDatabase } from './branch-database.js';
import { cashSale, online, openBranch, stock, valueOf } from './test/shop.js';

let dir: string;
const opened: BranchDatabase[] = [];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-'));
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  rmSync(dir, { recursive: true });
});

function open(): BranchDatabase {
  const branch = openBranch(path.join(dir, 'branch'));
  opened.push(branch);
  return branch;
}

/** What the relay sends now, in its order. It is confirmed, so it is not sent again by itself. */
function deliver(branch: BranchDatabase): Command[] {
  const sent: Command[] = [];
  for (const lane of branch.outbox.queues) {
    for (let head = branch.outbox.head(lane, 50); head.length > 0; head = branch.outbox.head(lane, 50)) {
      sent.push(...head.map(({ text }) => JSON.parse(text) as Command));
      branch.outbox.remove(lane, head);
    }
  }
  return sent;
}
const idsOf = (commands: readonly Command[]) => commands.map(({ id }) => id);
const epochsOf = (commands: readonly Command[]) => [...new Set(commands.map(({ homeEpoch }) => homeEpoch))];

describe('when the head office was restored, the branch', () => {
  it('sends all its entries again in their order, in a new incarnation, and sells when it has taken over its levels', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    await branch.sales.sell(cashSale('cafe'));
    const first = deliver(branch);
    expect([epochsOf(first), branch.status.depth]).toEqual([[undefined], 0]);
    await branch.sales.sell(cashSale('cafe'));
    valueOf(await branch.home.beginHomeEpoch('restore-1'));
    expect(branch.status).toMatchObject({ incarnation: 2, sequence: 0, frozen: 'restored', homeEpoch: 'restore-1' });
    expect(await branch.sales.sell(cashSale('cafe'))).toMatchObject({ refusal: { reason: 'frozen' } });
    await online(branch, 1, { cafe: 3 });
    expect(branch.status.depth).toBe(first.length + 2);
    const again = deliver(branch);
    expect(idsOf(again).slice(0, first.length)).toEqual(idsOf(first));
    expect(epochsOf(again)).toEqual(['restore-1']);
    // Only a report that was made since says that everything was sent again.
    const reports = again.filter(({ kind }) => kind === 'branch.report');
    expect(reports.map(({ body }) => body)).toMatchObject([
      { incarnation: 1 },
      { incarnation: 2, homeEpoch: 'restore-1' },
    ]);
    expect(reports[0]?.body).not.toHaveProperty('homeEpoch');
    expect(valueOf(await branch.sales.sell(cashSale('cafe', 3))).receiptNumber).toMatch(/-2-1$/);
  });

  it('does so once, also after a restart, and again after the next restore', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const first = deliver(branch);
    valueOf(await branch.home.beginHomeEpoch('restore-1'));
    valueOf(await branch.home.beginHomeEpoch('restore-1'));
    expect(branch.status).toMatchObject({ incarnation: 2, depth: first.length });
    branch.close();
    const reopened = open();
    expect(reopened.status).toMatchObject({ incarnation: 2, depth: first.length });
    expect(idsOf(deliver(reopened))).toEqual(idsOf(first));
    reopened.close();
    const later = open();
    expect(later.status.depth).toBe(0);
    valueOf(await later.home.beginHomeEpoch('restore-2'));
    expect(later.status).toMatchObject({ incarnation: 3, depth: first.length });
  });

  it.each([
    ['the first ones', (): Command[] => []],
    ['later ones', deliver],
  ])('sends entries again that the relay confirms meanwhile: %s', async (_, before) => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const first = before(branch);
    await branch.sales.sell(cashSale('cafe'));
    const [lane = ''] = branch.outbox.queues;
    const inFlight = branch.outbox.head(lane, 50);
    valueOf(await branch.home.beginHomeEpoch('restore-1'));
    branch.outbox.remove(lane, inFlight);
    const again = deliver(branch);
    expect(again).toHaveLength(first.length + inFlight.length);
    expect(epochsOf(again)).toEqual(['restore-1']);
  });
});
