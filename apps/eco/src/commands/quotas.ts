import { randomUUID } from 'node:crypto';
import { branchQuotaPageSchema, quotaCommands, type BranchQuota } from '@eco/contracts';
import type { Command } from 'commander';
import { CentralClient } from '../central-client.js';
import { json, print, printChecked, whole, wholeNumberOf } from '../input.js';
import { openTarget, targetOptions, type Where } from '../target.js';
import { tableOf } from '../text-table.js';

interface ListOptions extends Where {
  readonly branch?: string;
  readonly json?: true;
}

interface ReasonOptions extends Where {
  readonly reason?: string;
}

type Decision = 'recall' | 'write-off' | 'settle';

const PAGE = 500;
const UNITS_MAX = 1_000_000_000;
const DAY_MS = 86_400_000;

/** `eco quotas`: units of the branches as far as they have reported, and what a manager decides about them. */
export function registerQuotas(program: Command): void {
  const quotas = program.command('quotas').description('units of the branches: list, recall, write off, settle');
  targetOptions(quotas.command('list', { isDefault: true }).description('list the units of each branch, by product'))
    .option('--branch <id>', 'of this branch only')
    .option('--json', 'print JSON')
    .action((options: ListOptions, command: Command) => print(command, () => list(options)));
  decision(quotas, 'recall', 'ask a branch to give back units that it can spare').action(
    (branch: string, product: string, units: string, options: Where, command: Command) =>
      printChecked(command, quantityOf(units), (quantity) => decide('recall', { branch, product, quantity }, options)),
  );
  const reasoned = (kind: Decision, text: string) =>
    decision(quotas, kind, text)
      .option('--reason <text>', 'why; it stays in the ledger')
      .action((branch: string, product: string, units: string, options: ReasonOptions, command: Command) =>
        printChecked(
          command,
          (violations) => ({ quantity: quantityOf(units)(violations), reason: reasonOf(options, violations) }),
          (asked) => decide(kind, { branch, product, ...asked }, options),
        ),
      );
  reasoned('write-off', 'end the right of a branch to units; they never return to the pool by themselves');
  reasoned('settle', 'accept that a branch had units that no record showed');
  targetOptions(quotas.command('unfreeze').description('let a branch have units again, after a fork was explained'))
    .argument('<branch>', 'its id')
    .option('--reason <text>', 'why; it stays in the ledger')
    .action((branch: string, options: ReasonOptions, command: Command) =>
      printChecked(
        command,
        (violations) => reasonOf(options, violations),
        (reason) => unfreeze(branch, reason, options),
      ),
    );
}

function decision(quotas: Command, kind: Decision, text: string): Command {
  return targetOptions(quotas.command(kind).description(text))
    .argument('<branch>', 'id of the branch')
    .argument('<product>', 'id of the product')
    .argument('<units>', 'how many');
}

async function list({ branch, ...options }: ListOptions): Promise<string> {
  const central = new CentralClient(await openTarget(options), 'manager');
  const found: BranchQuota[] = [];
  for (let after: string | null = ''; after !== null;) {
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(branch !== undefined && { branchId: branch }),
      ...(after !== '' && { after }),
    });
    const page = branchQuotaPageSchema.parse(await central.ask('GET', `/quotas?${query.toString()}`));
    found.push(...page.items);
    after = page.next;
  }
  return options.json ? json(found) : quotasText(found, Date.now());
}

export function quotasText(quotas: readonly BranchQuota[], nowMs: number): string {
  if (quotas.length === 0) return 'no branch has units';
  const rows = quotas.map((quota) => [
    quota.branchId,
    quota.productId,
    // The figures of a level with many movements do not reach back to its first one.
    ...[quota.granted, quota.spent].map((units) => (quota.since === null ? whole(units) : `${whole(units)}+`)),
    ...[quota.remaining, quota.inTransit, quota.quarantine, quota.writtenOff, quota.discrepancy].map(whole),
    quota.idleSince === null ? '' : `${whole(Math.floor((nowMs - Date.parse(quota.idleSince)) / DAY_MS))} d`,
    quota.contactAt ?? 'never',
    quota.frozenReason === null ? (quota.isSilent ? 'silent' : '') : `frozen: ${quota.frozenReason}`,
  ]);
  const heads = [
    ...['branch', 'product', '>granted', '>spent', '>remaining', '>in transit', '>quarantine', '>written off'],
    ...['>discrepancy', '>idle', 'last contact', 'gets no units'],
  ];
  return tableOf(heads, rows);
}

function quantityOf(units: string) {
  return (violations: string[]) => wholeNumberOf('units', units, { max: UNITS_MAX }, violations);
}

function reasonOf({ reason = '' }: ReasonOptions, violations: string[]): string {
  if (reason.trim() === '') violations.push('--reason must say why');
  return reason;
}

interface AskedDecision {
  readonly branch: string;
  readonly product: string;
  readonly quantity: number;
  readonly reason?: string;
}

async function decide(
  kind: Decision,
  { branch, product, quantity, reason }: AskedDecision,
  where: Where,
): Promise<string> {
  const path = `/quotas/${encodeURIComponent(branch)}/${encodeURIComponent(product)}/${kind}`;
  const body = { quantity, ...(reason !== undefined && { reason }) };
  const answer = await post(where, path, body);
  switch (kind) {
    case 'recall':
      return `asked ${branch} for ${whole(quantity)} of ${product}: it gives back what it can spare when it is online`;
    case 'write-off': {
      const { onHand, writtenOff } = quotaCommands['quota.write-off'].result.parse(answer);
      return `written off: ${whole(quantity)} of ${product} at ${branch}; ${whole(onHand)} remain, ${whole(writtenOff)} are written off`;
    }
    case 'settle': {
      const { open } = quotaCommands['quota.settle'].result.parse(answer);
      return `settled: ${whole(quantity)} of ${product} at ${branch}; ${whole(open)} are open`;
    }
  }
}

async function unfreeze(branch: string, reason: string, where: Where): Promise<string> {
  await post(where, `/branches/${encodeURIComponent(branch)}/unfreeze`, { reason });
  return `${branch} gets units again`;
}

/** Each call has a key of its own, so a repeated command line is another decision. */
async function post(where: Where, path: string, body: object): Promise<unknown> {
  const central = new CentralClient(await openTarget(where), 'manager');
  return central.ask('POST', path, body, randomUUID());
}
