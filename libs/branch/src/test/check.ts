import { commandSchema, type CommandOf, type EntryKind } from '@eco/contracts';
import { parseReceiptNumber } from '@eco/till';
import type { BranchDatabase } from '../branch-database.js';
import { waitingCommands } from './shop.js';
import { UNITS_AT_START, type Sold } from './selling.js';

/** What is wrong with a database of which nothing was sent; empty: nothing. */
export function violationsOf(branch: BranchDatabase, sold: readonly Sold[]): string[] {
  const violations: string[] = [];
  const sales = branch.sales.page({ limit: 10_000_000 }).reverse();
  const byId = new Map(sales.map((sale) => [sale.saleId, sale]));
  for (const { receipts } of sold) {
    for (const [id, receipt] of receipts) {
      if (byId.get(id)?.receiptNumber !== receipt) violations.push(`the acknowledged sale ${receipt} is lost`);
    }
  }
  const begun = new Set(sold.flatMap((each) => each.begun));
  for (const { saleId } of sales) if (!begun.has(saleId)) violations.push(`nobody began the sale ${saleId}`);
  const last = new Map<string, number>();
  for (const { receiptNumber, till } of sales) {
    const number = parseReceiptNumber(receiptNumber)?.number ?? NaN;
    if (number !== (last.get(till) ?? 0) + 1)
      violations.push(`${receiptNumber} follows ${last.get(till) ?? 'nothing'}`);
    last.set(till, number);
  }
  const units = sales.flatMap(({ lines }) => lines).reduce((sum, { quantity }) => sum + quantity, 0);
  const quota = branch.catalogue.quota('cafe');
  if (quota?.remaining !== UNITS_AT_START - units) {
    violations.push(`${units} units were sold, and ${quota?.remaining} of ${UNITS_AT_START} are left`);
  }
  const commands = waitingCommands(branch).map((command) => commandSchema.parse(command) as CommandOf<EntryKind>);
  commands.forEach(({ body: { sequence } }, index) => {
    if (sequence !== index + 1) violations.push(`entry ${sequence} is at place ${index + 1}`);
  });
  const reported = commands.filter(({ kind }) => kind === 'sale.record').map(({ id }) => id);
  if (reported.join() !== sales.map(({ saleId }) => saleId).join())
    violations.push('the commands are not those of the sales');
  const { figures } = branch.shifts
    .page({ limit: 1000 })
    .reduce((sum, shift) => ({ figures: sum.figures + shift.figures.sales }), { figures: 0 });
  if (figures !== sales.length) violations.push(`the shifts have ${figures} sales, and there are ${sales.length}`);
  return violations;
}
