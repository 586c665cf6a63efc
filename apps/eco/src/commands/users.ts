import type { Command } from 'commander';
import { z } from 'zod';
import { CentralClient } from '../central-client.js';
import { BadInput, json, print } from '../input.js';
import { tableOf } from '../text-table.js';
import { openTarget, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly json?: true;
}

interface AddOptions extends Options {
  readonly role: string;
  readonly branch?: string;
  readonly scope?: readonly string[];
}

const accountSchema = z.object({
  accountId: z.string(),
  login: z.string().nullable(),
  role: z.string(),
  branchId: z.string().nullable(),
  scopes: z.array(z.string()),
  isDisabled: z.boolean(),
  createdAt: z.string(),
});
type Account = z.infer<typeof accountSchema>;
const pageSchema = z.object({ items: z.array(accountSchema), next: z.string().nullable() });
const passwordSchema = z.object({ password: z.string() });

const ROLES = 'administrator, manager, branch-manager, cashier, integration or operator';

/**
 * `eco users`: the accounts of staff and programs. It calls Central's API, so the API's rules and audit trail apply. It
 * makes its own token, which needs the right to read the secrets folder.
 */
export function registerUsers(program: Command): void {
  const users = program.command('users').description('accounts of staff and programs: list, add, change');
  const act = (command: Command, work: (accounts: Accounts, options: Options, ...args: string[]) => Promise<string>) =>
    targetOptions(command)
      .option('--json', 'print JSON')
      .action((...all: unknown[]) => {
        const own = all[all.length - 1] as Command;
        const options = own.opts<Options>();
        return print(own, () => Accounts.open(options).then((accounts) => work(accounts, options, ...own.args)));
      });

  act(users.command('list', { isDefault: true }).description('list accounts by log-in name'), list);
  act(
    users
      .command('add <login>')
      .description('add an account; its generated password is shown once')
      .requiredOption('--role <role>', ROLES)
      .option('--branch <id>', 'branch of a branch-manager or cashier')
      .option('--scope <scope...>', 'of an integration: events, read, or kinds of commands such as order.place'),
    (accounts, options, login = '') => add(accounts, options as AddOptions, login),
  );
  act(
    users.command('disable <login>').description('refuse its log-ins and end its sessions'),
    (accounts, options, login = '') => change(accounts, options, login, { isDisabled: true }),
  );
  act(users.command('enable <login>').description('accept its log-ins again'), (accounts, options, login = '') =>
    change(accounts, options, login, { isDisabled: false }),
  );
  act(users.command('reset <login>').description('set a generated password, shown once, and end its sessions'), reset);
  act(
    users
      .command('set-role <login> <role>')
      .description(`${ROLES}; its sessions end`)
      .option('--branch <id>', 'branch, for a branch-manager or cashier'),
    (accounts, options, login = '', role = '') =>
      change(accounts, options, login, { role, branchId: (options as AddOptions).branch ?? null, scopes: [] }),
  );
  act(
    users.command('set-branch <login> <branch>').description('branch of a branch-manager or cashier; its sessions end'),
    (accounts, options, login = '', branchId = '') => change(accounts, options, login, { branchId }),
  );
}

async function list(accounts: Accounts, options: Options): Promise<string> {
  const all = await accounts.all();
  return options.json ? json(all) : accountTable(all);
}

async function add(accounts: Accounts, options: AddOptions, login: string): Promise<string> {
  const { role, branch: branchId = null, scope: scopes = [] } = options;
  const answer = await accounts.ask('POST', '/accounts', { login, role, branchId, scopes });
  const added = accountSchema.extend(passwordSchema.shape).parse(answer);
  return options.json ? json(added) : `${accountTable([added])}\n${passwordLine(added.password)}`;
}

async function change(accounts: Accounts, options: Options, login: string, what: object): Promise<string> {
  const { accountId } = await accounts.find(login);
  const changed = accountSchema.parse(await accounts.ask('PATCH', `/accounts/${accountId}`, what));
  return options.json ? json(changed) : accountTable([changed]);
}

async function reset(accounts: Accounts, options: Options, login = ''): Promise<string> {
  const { accountId } = await accounts.find(login);
  const { password } = passwordSchema.parse(await accounts.ask('POST', `/accounts/${accountId}/password`));
  return options.json ? json({ accountId, password }) : passwordLine(password);
}

function passwordLine(password: string): string {
  return `password: ${password} (shown once, stored as a hash; a person must replace it within 7 days)`;
}

function accountTable(accounts: readonly Account[]): string {
  const rows = accounts.map(({ accountId, login, role, branchId, scopes, isDisabled }) => [
    login ?? '',
    role,
    branchId ?? scopes.join(' '),
    isDisabled ? 'disabled' : '',
    accountId,
  ]);
  return tableOf(['log-in name', 'role', 'branch or scopes', '', 'account id'], rows);
}

/** The accounts of a running system, through Central's API. */
class Accounts {
  readonly #central: CentralClient;

  private constructor(central: CentralClient) {
    this.#central = central;
  }

  static async open(where: Where): Promise<Accounts> {
    return new Accounts(new CentralClient(await openTarget(where), 'administrator'));
  }

  ask(method: string, path: string, body?: object): Promise<unknown> {
    return this.#central.ask(method, path, body);
  }

  async all(): Promise<Account[]> {
    const found: Account[] = [];
    for (let after: string | null = ''; after !== null;) {
      const query: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const page = pageSchema.parse(await this.ask('GET', `/accounts?limit=1000${query}`));
      found.push(...page.items);
      after = page.next;
    }
    return found;
  }

  /** The account with this log-in name. Throws BadInput if there is none. */
  async find(login: string): Promise<Account> {
    const wanted = login.toLowerCase();
    const found = (await this.all()).find((account) => account.login === wanted);
    if (found === undefined) throw new BadInput(`there is no account ${login}: see "npx eco users list"`);
    return found;
  }
}
