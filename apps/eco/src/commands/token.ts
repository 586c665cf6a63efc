import { roles, TokenSigner, type Scope, type TokenGrant } from '@eco/access';
import { commandKinds, servedBranchIdSchema, whyNoCustomerId } from '@eco/contracts';
import type { Command } from 'commander';
import { oneOf, printChecked, wholeNumberOf } from '../input.js';
import { secretsOf, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly role: string;
  readonly branch?: string;
  readonly customer?: string;
  readonly scope: string[];
  readonly minutes: string;
}

const DAY_MINUTES = 1_440;

/** `eco token`: makes an access token for a script. It needs the secrets of the installation. */
export function registerToken(program: Command): void {
  targetOptions(program.command('token').description('make an access token, for a script or curl'))
    .requiredOption('--role <role>', roles.join(', '))
    .option('--branch <id>', 'branch of a cashier or a branch manager')
    .option('--customer <id>', 'customer of a customer')
    .option('--scope <name...>', 'scopes of an integration: events, read or kinds of commands', [])
    .option('--minutes <n>', 'how long it is valid', '60')
    .action((options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => ({
          grant: grantOf(options, violations),
          minutes: wholeNumberOf('--minutes', options.minutes, { max: 30 * DAY_MINUTES }, violations),
        }),
        ({ grant, minutes }) => token(options, grant, minutes),
      ),
    );
}

async function token(options: Where, grant: TokenGrant, minutes: number): Promise<string> {
  const { tokens } = await secretsOf(options);
  return new TokenSigner(tokens).sign(grant, minutes * 60);
}

function grantOf({ role: text, branch, customer, scope }: Options, violations: string[]): TokenGrant {
  const role = oneOf('--role', text, roles, violations);
  const needs = (option: string, value: unknown, isNeeded: boolean) => {
    if (isNeeded && value === undefined) violations.push(`--role ${role} needs ${option}`);
    if (!isNeeded && value !== undefined) violations.push(`${option} does not go with --role ${role}`);
  };
  needs('--branch', branch, role === 'cashier' || role === 'branch-manager');
  needs('--customer', customer, role === 'customer');
  if (scope.length > 0) needs('--scope', scope, role === 'integration');
  if (branch !== undefined && !servedBranchIdSchema.safeParse(branch).success) violations.push('--branch is no branch');
  const whyNot = customer === undefined ? undefined : whyNoCustomerId(customer);
  if (whyNot !== undefined) violations.push(`--customer ${whyNot}`);
  const unknown = scope.filter((each) => !isScope(each));
  if (unknown.length > 0)
    violations.push(`--scope must be events, read or a kind of command, not ${unknown.join(', ')}`);
  const customerId = customer?.normalize('NFC') ?? null;
  return {
    // The id is the same for the same role, branch and customer. A second request with an Idempotency-Key is therefore
    // a repeat, even with a new token.
    id: ['eco token', role, branch ?? customerId ?? ''].join(' ').trim().slice(0, ID_MAX),
    role,
    branchId: branch ?? null,
    customerId,
    scopes: scope as Scope[],
  };
}

const ID_MAX = 128;

function isScope(text: string): boolean {
  return text === 'events' || text === 'read' || text in commandKinds;
}
