import { readFile } from 'node:fs/promises';
import type { RunningSystem } from '@eco/cluster';
import { customerIdSchema } from '@eco/contracts';
import { readErasures, type Erasure } from '@eco/database';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import type { Command } from 'commander';
import { z } from 'zod';
import { CentralClient } from '../central-client.js';
import { BadInput, json, print, printChecked } from '../input.js';
import { openTarget, targetOptions, type Where } from '../target.js';
import { tableOf } from '../text-table.js';

interface Options extends Where {
  readonly json?: true;
}

interface EraseOptions extends Where {
  readonly from?: string;
}

const ANSWER_MS = 10_000;
const PAGE = 1_000;

const erasuresSchema = z.array(z.looseObject({ customerId: customerIdSchema }));

/**
 * `eco customers`: erases customers, and lists who was erased. The list is kept with each backup, because an older
 * backup contains people who were erased since, and a restore must erase them again.
 */
export function registerCustomers(program: Command): void {
  const customers = program.command('customers').description('erase customers; list those that were erased');
  targetOptions(customers.command('erase').description('erase everything that is stored about these customers'))
    .argument('[customer-id...]', 'their ids')
    .option('--from <file>', 'all customers of a list that "eco customers erasures --json" made, as after a restore')
    .action((ids: string[], options: EraseOptions, command: Command) =>
      printChecked(
        command,
        (violations) => {
          if (ids.length === 0 && options.from === undefined) violations.push('name customers, or a list with --from');
          const invalid = ids.filter((id) => !customerIdSchema.safeParse(id).success);
          violations.push(...invalid.map((id) => `${JSON.stringify(id)} is no customer id`));
        },
        () => erase(ids, options),
      ),
    );
  targetOptions(customers.command('erasures').description('list the erased customers by id'))
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) => print(command, () => list(options)));
}

async function erase(ids: readonly string[], { from, ...where }: EraseOptions): Promise<string> {
  const all = [...new Set([...ids, ...(from === undefined ? [] : await idsIn(from))])];
  if (all.length === 0) throw new BadInput('the list is empty');
  const central = new CentralClient(await openTarget(where), 'manager');
  let waiting = 0;
  for (const id of all) {
    const answer = await central.ask('DELETE', `/customers/${encodeURIComponent(id)}`);
    // The decision was not known within the wait. The command stays in its queue until it is decided.
    if (answer !== undefined) waiting += 1;
  }
  const undecided = waiting === 0 ? '' : `; ${waiting} of them are accepted and not decided yet`;
  return `erased: ${all.length}${undecided}`;
}

async function idsIn(file: string): Promise<string[]> {
  try {
    return erasuresSchema.parse(JSON.parse(await readFile(file, 'utf8'))).map(({ customerId }) => customerId);
  } catch (error) {
    throw new BadInput(`${file} is no list of erased customers: ${(error as Error).message}`);
  }
}

async function list(options: Options): Promise<string> {
  const target = await openTarget(options);
  const found: Erasure[] = [];
  for (const group of target.groups) found.push(...(await erasuresOf(group, target)));
  if (options.json) return json(found);
  const rows = found.map(({ customerId, erasedAt, by, commandId }) => [
    customerId,
    erasedAt.toISOString(),
    by ?? '',
    commandId,
  ]);
  return tableOf(['customer id', 'erased', 'for', 'command'], rows);
}

/** All erasures of a group, from its primary, because a replica may be behind. */
async function erasuresOf({ id, nodes }: RunningSystem['groups'][number], target: RunningSystem): Promise<Erasure[]> {
  const login = target.databaseLogin('eco_operator');
  const primary = primaryOf(await askNodes(nodes, login, ANSWER_MS));
  if (primary === undefined) throw new BadInput(`no primary of group ${id} answers: see "npx eco status"`);
  using node = new SideConnection(primary.node, login, 'eco customers');
  const found: Erasure[] = [];
  for (let page: Erasure[] | undefined; page === undefined || page.length === PAGE;) {
    page = await readErasures(node, { after: found.at(-1)?.customerId ?? '', limit: PAGE });
    found.push(...page);
  }
  return found;
}
