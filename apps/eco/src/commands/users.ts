import type { Command } from 'commander';
import { z } from 'zod';
import { addEventsUser, eventsUserText, removeEventsUser } from '../events-users.js';
import { Accounts, accountSchema, type Account } from '../accounts.js';
import { json, printChecked } from '../input.js';
import { tableOf } from '../text-table.js';
import { targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly json?: true;
}

interface AddOptions extends Options {
  readonly role?: string;
  readonly events?: string;
  readonly branch?: string;
  readonly scope?: readonly string[];
}

const passwordSchema = z.object({ password: z.string() });

const ROLES = 'administrator, manager, branch-manager, cashier, integration or operator';

/**
 * `eco users`: the accounts of staff and programs. It calls Central's API, so the API's rules and audit trail apply. It
 * makes its own token, which needs the right to read the secrets folder.
 */
export function registerUsers(program: Command): void {
  const users = program.command('users').description('accounts of staff and programs: list, add, change');
  const act = (
    command: Command,
    work: (accounts: Accounts, options: Options, ...args: string[]) => Promise<string>,
    check: (options: Options, login: string | undefined) => readonly string[] = () => [],
  ) =>
    targetOptions(command)
      .option('--json', 'print JSON')
      .action((...all: unknown[]) => {
        const own = all[all.length - 1] as Command;
        const options = own.opts<Options>();
        return printChecked(
          own,
          (violations) => violations.push(...check(options, own.args[0])),
          () => Accounts.open(options).then((accounts) => work(accounts, options, ...own.args)),
        );
      });

  act(users.command('list', { isDefault: true }).description('list accounts by log-in name'), list);
  act(
    users
      .command('add [login]')
      .description('add an account; its generated password is shown once')
      .option('--role <role>', ROLES)
      .option('--branch <id>', 'branch of a branch-manager or cashier')
      .option('--scope <scope...>', 'of an integration: events, read, or kinds of commands such as order.place')
      .option('--events <name>', 'instead: a program that consumes events, with a broker user and an account'),
    (accounts, options, login = '') => add(accounts, options, login),
    violationsOfAdd,
  );
  act(
    users
      .command('remove')
      .description('remove the broker user of a program that consumes events, and disable its account')
      .requiredOption('--events <name>', 'its name'),
    (accounts, options) => removeEventsUser(accounts, (options as AddOptions).events ?? ''),
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

function violationsOfAdd(options: AddOptions, login: string | undefined): string[] {
  const { role, events } = options;
  if (events === undefined) {
    return [
      ...(login === undefined ? ['a log-in name is missing'] : []),
      ...(role === undefined ? ['--role is missing'] : []),
    ];
  }
  return [
    ...(login === undefined ? [] : [`a log-in name is not used with --events, but ${login} is given`]),
    ...(['role', 'branch', 'scope'] as const)
      .filter((option) => options[option] !== undefined)
      .map((option) => `--${option} is not used with --events`),
  ];
}

async function add(accounts: Accounts, options: AddOptions, login: string): Promise<string> {
  const { role, branch: branchId = null, scope: scopes = [], events } = options;
  if (events !== undefined) {
    const added = await addEventsUser(accounts, events);
    return options.json ? json(added) : eventsUserText(added);
  }
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
