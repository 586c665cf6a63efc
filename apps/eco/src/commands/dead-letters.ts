import os from 'node:os';
import { commandKinds, nameInLogsSchema, printable, uuidSchema } from '@eco/contracts';
import {
  deadLetterClasses,
  readDeadLetter,
  readDeadLetterGroups,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type KeptDeadLetter,
} from '@eco/database';
import type { Command } from 'commander';
import { act, type AskedAction } from '../dead-letters/act.js';
import { DeadLetterAdmin } from '../dead-letters/admin.js';
import { short } from '../dead-letters/report.js';
import { BadInput, json, oneOf, printChecked, whole, wholeNumberOf } from '../input.js';
import { tableOf } from '../text-table.js';
import { openTarget, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly class?: string;
  readonly place?: string;
  readonly kind?: string;
  readonly sentBy?: string;
  readonly json?: true;
}

interface ActOptions extends Options {
  readonly all?: true;
  readonly by?: string;
  readonly reason?: string;
  readonly rate: string;
  readonly yes?: true;
}

/** `eco dead-letters`: lists commands that could not be processed, in groups; shows, replays and discards them. */
export function registerDeadLetters(program: Command): void {
  const admin = program
    .command('dead-letters')
    .description('commands that could not be processed: list, replay, discard');
  filterOptions(
    targetOptions(admin.command('list', { isDefault: true }).description('list open dead letters, in groups')),
  ).action((options: Options, command: Command) =>
    printChecked(
      command,
      (violations) => filterOf(options, violations),
      (filter) => withAdmin(options, (each) => list(each, filter, options)),
    ),
  );
  targetOptions(admin.command('show').description('show one, with its content and the actions on it'))
    .argument('<command-id>', 'as the list shows it')
    .option('--json', 'print JSON')
    .action((id: string, options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => idOf(id, violations),
        (commandId) => withAdmin(options, (each) => show(each, commandId, options)),
      ),
    );
  actOptions(admin.command('replay').description('try them again, under the same ids')).action(
    (id: string | undefined, options: ActOptions, command: Command) =>
      printChecked(
        command,
        (violations) => askedOf('replay', id, options, violations),
        (asked) => withAdmin(options, (each) => act(each, asked)),
      ),
  );
  actOptions(admin.command('discard').description('close them: their senders get the outcome discarded'))
    .option('--reason <text>', 'why, for later readers')
    .action((id: string | undefined, options: ActOptions, command: Command) =>
      printChecked(
        command,
        (violations) => askedOf('discard', id, options, violations),
        (asked) => withAdmin(options, (each) => act(each, asked)),
      ),
    );
}

function filterOptions(command: Command): Command {
  return command
    .option('--class <class>', deadLetterClasses.join(', '))
    .option('--place <text>', 'where they failed, as the list shows it')
    .option('--kind <kind>', 'such as order.place')
    .option('--sent-by <name>', 'who sent them')
    .option('--json', 'print JSON');
}

function actOptions(command: Command): Command {
  return filterOptions(targetOptions(command))
    .argument('[command-id]', 'one; or name a group, or all that match, by the options')
    .option('--all', 'all open ones')
    .option('--by <name>', 'operator (default: the user of this shell)')
    .option('--rate <n>', 'most per second', '50')
    .option('--yes', 'do it; without this option it only shows what would be done');
}

async function withAdmin(options: Where, work: (admin: DeadLetterAdmin) => Promise<string>): Promise<string> {
  const admin = new DeadLetterAdmin(await openTarget(options));
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

function filterOf(options: Options, violations: string[]): DeadLetterFilter {
  const { class: errorClass, place, kind, sentBy } = options;
  if (errorClass !== undefined) oneOf('--class', errorClass, deadLetterClasses, violations);
  if (kind !== undefined) oneOf('--kind', kind, Object.keys(commandKinds), violations);
  const given = Object.entries({ errorClass, place, kind, sentBy }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

async function list(admin: DeadLetterAdmin, filter: DeadLetterFilter, options: Options): Promise<string> {
  const found = [];
  for (const group of admin.groups) {
    const rows = await readDeadLetterGroups(await admin.primary(group), filter);
    found.push(...rows.map((row) => ({ group, ...row })));
  }
  if (options.json) return json(found);
  const isConflict = ({ errorClass }: { errorClass: string }) => errorClass === 'key-conflict';
  const [conflicts, others] = [found.filter(isConflict), found.filter((row) => !isConflict(row))];
  return [
    others.length === 0 ? 'no dead letters are open' : groupsText(others),
    ...(conflicts.length === 0
      ? []
      : [
          '',
          'key conflicts: one Idempotency-Key, two requests. The first one counts; these can only be discarded',
          groupsText(conflicts),
        ]),
  ].join('\n');
}

function groupsText(rows: readonly (DeadLetterGroup & { group: string })[]): string {
  return tableOf(
    ['group', 'class', 'place', '>open', 'first failed', 'last failed', 'one of them', 'reason'],
    rows.map((row) => [
      row.group,
      row.errorClass,
      row.place,
      whole(row.count),
      row.firstFailedAt.toISOString(),
      row.lastFailedAt.toISOString(),
      row.commandId,
      short(row.reason),
    ]),
  );
}

async function show(admin: DeadLetterAdmin, commandId: string, options: Options): Promise<string> {
  const found = [];
  for (const group of admin.groups) {
    const { letters, actions } = await readDeadLetter(await admin.primary(group), commandId);
    for (const letter of letters) {
      const history = actions.filter(({ bodyHash }) => bodyHash === letter.bodyHash);
      found.push({ group, ...letter, history });
    }
  }
  if (found.length === 0) throw new BadInput(`there is no dead letter of the command ${commandId}`);
  return options.json ? json(found) : found.map(letterText).join('\n\n');
}

function letterText({
  group,
  history,
  ...letter
}: KeptDeadLetter & { group: string; history: Awaited<ReturnType<typeof readDeadLetter>>['actions'] }): string {
  const { commandId, bodyHash, state, kind, bucket, errorClass, place, reason, tries, firstFailedAt } = letter;
  const { sender, actor, sentBy } = letter;
  const facts = [
    ['command', commandId],
    ['body hash', bodyHash],
    ['state', state],
    ['kind', kind ?? 'none that there is'],
    ['group, bucket', `${group}, ${bucket ?? 'none'}`],
    ['broker user', sender ?? 'none'],
    ['for', actor ?? 'not stated'],
    ['sent by', sentBy ?? 'not stated'],
    ['failed', `${errorClass} at ${place}`],
    ['reason', reason],
    ['tries', `${tries}, the first at ${firstFailedAt.toISOString()}`],
  ];
  const lines = history.map(({ number, at, action, operator, result, reason: why }) => {
    const because = why === null ? '' : `: ${why}`;
    return `  ${number}. ${at.toISOString()} ${action} by ${operator}, ${result}${because}`;
  });
  return [
    ...facts.map(([name = '', value = '']) => `${name.padEnd(14)} ${value}`),
    lines.length === 0 ? 'nothing was done with it yet' : 'what was done with it:',
    ...lines,
    'as it came:',
    json(letter.command),
  ].join('\n');
}

/** Reads the input of an action. */
function askedOf(
  action: 'replay' | 'discard',
  id: string | undefined,
  options: ActOptions,
  violations: string[],
): AskedAction {
  const filter = {
    ...filterOf(options, violations),
    ...(id === undefined ? {} : { commandId: idOf(id, violations) }),
  };
  if (Object.keys(filter).length === 0 && !options.all) {
    violations.push('say which: a command id, --class, --place, --kind, --sent-by, or --all');
  }
  return {
    action,
    filter,
    rate: wholeNumberOf('--rate', options.rate, { max: 1000 }, violations),
    by: checked('--by', nameInLogsSchema, options.by ?? os.userInfo().username, violations),
    reason: action === 'replay' ? '' : checked('--reason', printable(500), options.reason ?? '', violations),
    isDone: options.yes ?? false,
    asJson: options.json ?? false,
  };
}

function idOf(id: string, violations: string[]): string {
  const parsed = uuidSchema.safeParse(id);
  if (parsed.success) return parsed.data;
  violations.push(`the command id must be a UUID, not ${JSON.stringify(id)}`);
  return '';
}

function checked(option: string, schema: typeof nameInLogsSchema, text: string, violations: string[]): string {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  violations.push(`${option} ${parsed.error.issues.map(({ message }) => message).join(', ')}`);
  return '';
}
