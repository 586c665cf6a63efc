import os from 'node:os';
import { nameInLogsSchema, printable, uuidSchema } from '@eco/contracts';
import {
  readDeadLetter,
  readDeadLetterGroups,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type KeptDeadLetter,
} from '@eco/database';
import type { Command } from 'commander';
import { sleep } from '@eco/base';
import { discardOf, replayOf } from '../dead-letters/replay.js';
import { DeadLetterAdmin, type DeadLetterRequest, type DeadLetterResult } from '../dead-letters/admin.js';
import { BadInput, json, print, refuse, whole, wholeNumberOf } from '../input.js';
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

const EXIT_NOT_SETTLED = 1;
const REASON_LENGTH = 100;

/** `eco dead-letters`: lists commands that could not be processed, in groups; shows, replays and discards them. */
export function registerDeadLetters(program: Command): void {
  const admin = program
    .command('dead-letters')
    .description('commands that could not be processed: list, replay, discard');
  filterOptions(
    targetOptions(admin.command('list', { isDefault: true }).description('list open dead letters, in groups')),
  ).action((options: Options, command: Command) =>
    print(
      command,
      withAdmin(options, (each) => list(each, options)),
    ),
  );
  targetOptions(admin.command('show').description('show one, with its content and the actions on it'))
    .argument('<command-id>', 'as the list shows it')
    .option('--json', 'print JSON')
    .action((id: string, options: Options, command: Command) =>
      print(
        command,
        withAdmin(options, (each) => show(each, id, options)),
      ),
    );
  actOptions(admin.command('replay').description('try them again, under the same ids')).action(
    (id: string | undefined, options: ActOptions, command: Command) =>
      print(
        command,
        withAdmin(options, (each) => act('replay', each, id, options)),
      ),
  );
  actOptions(admin.command('discard').description('close them: their senders get the outcome discarded'))
    .option('--reason <text>', 'why, for later readers')
    .action((id: string | undefined, options: ActOptions, command: Command) =>
      print(
        command,
        withAdmin(options, (each) => act('discard', each, id, options)),
      ),
    );
}

function filterOptions(command: Command): Command {
  return command
    .option(
      '--class <class>',
      'unreadable, invalid, not-owned, awaiting-branches, rule, database, process or key-conflict',
    )
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

function filterOf(options: Options): DeadLetterFilter {
  const { class: errorClass, place, kind, sentBy } = options;
  const given = Object.entries({ errorClass, place, kind, sentBy }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

async function list(admin: DeadLetterAdmin, options: Options): Promise<string> {
  const found = [];
  for (const group of admin.groups) {
    const rows = await readDeadLetterGroups(await admin.primary(group), filterOf(options));
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

async function show(admin: DeadLetterAdmin, id: string, options: Options): Promise<string> {
  const commandId = idOf(id);
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

async function act(
  action: 'replay' | 'discard',
  admin: DeadLetterAdmin,
  id: string | undefined,
  options: ActOptions,
): Promise<string> {
  const violations: string[] = [];
  const filter: DeadLetterFilter = { ...filterOf(options), ...(id === undefined ? {} : { commandId: idOf(id) }) };
  if (Object.keys(filter).length === 0 && !options.all) {
    violations.push('say which: a command id, --class, --place, --kind, --sent-by, or --all');
  }
  const rate = wholeNumberOf('--rate', options.rate, { max: 1000 }, violations);
  const by = checked('--by', nameInLogsSchema, options.by ?? os.userInfo().username, violations);
  const reason = action === 'replay' ? '' : checked('--reason', printable(500), options.reason ?? '', violations);
  refuse(violations);

  const results: (DeadLetterResult & { group: string })[] = [];
  const report = new Report(action);
  for (const group of admin.groups) {
    let slice: DeadLetterRequest[] = [];
    const send = async () => {
      const startedMs = performance.now();
      const done = await admin.ask(group, slice);
      results.push(...done.map((result) => ({ group, ...result })));
      slice = [];
      await sleep(1000 - (performance.now() - startedMs));
    };
    for await (const letter of admin.open(group, filter)) {
      const request = requestOf(action, letter, { by, reason });
      report.add(letter, request);
      if (request.type === 'no-command' || !options.yes) continue;
      slice.push({ letter, command: request.command });
      if (slice.length >= rate) await send();
    }
    if (slice.length > 0) await send();
  }
  const isRefused = options.yes === true && id !== undefined && report.counts.possible < report.counts.matching;
  if (isRefused || results.some(({ isSettled }) => !isSettled)) process.exitCode = EXIT_NOT_SETTLED;
  if (options.json)
    return json({ action, by, done: options.yes === true, ...report.counts, results: results.map(briefly) });
  return options.yes ? resultText(action, results, report) : report.text;
}

function requestOf(action: 'replay' | 'discard', letter: KeptDeadLetter, asked: { by: string; reason: string }) {
  if (action === 'replay') return replayOf(letter, asked.by);
  return { type: 'discard', command: discardOf(letter, asked), isLate: false } as const;
}

/** Shows the matching dead letters and the action on them. */
class Report {
  readonly #groups = new Map<string, number>();
  readonly counts = { matching: 0, possible: 0, late: 0 };
  readonly #whyNot = new Set<string>();
  readonly #action: 'replay' | 'discard';

  constructor(action: 'replay' | 'discard') {
    this.#action = action;
  }

  add(letter: KeptDeadLetter, request: ReturnType<typeof requestOf>): void {
    this.counts.matching += 1;
    if (request.type === 'no-command') {
      this.#whyNot.add(request.why);
      return;
    }
    this.counts.possible += 1;
    if (request.isLate) this.counts.late += 1;
    const group = JSON.stringify([letter.errorClass, letter.place, letter.kind ?? '']);
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
  }

  get text(): string {
    if (this.counts.matching === 0) return 'no open dead letter matches';
    const rows = [...this.#groups].map(([group, count]) => [...(JSON.parse(group) as string[]), whole(count)]);
    return [
      ...(rows.length === 0 ? [] : [tableOf(['class', 'place', 'kind', `>would ${this.#action}`], rows)]),
      ...this.notes,
      'nothing was done: say --yes to do it',
    ].join('\n');
  }

  get notes(): string[] {
    const { matching, possible, late } = this.counts;
    return [
      ...(possible < matching
        ? [`${whole(matching - possible)} of ${whole(matching)} can only be discarded: ${[...this.#whyNot].join('; ')}`]
        : []),
      ...(late > 0
        ? [`${whole(late)} are past the time that their senders gave them, or older than 90 days: they will expire`]
        : []),
    ];
  }
}

function resultText(action: string, results: readonly DeadLetterResult[], report: Report): string {
  if (results.length === 0)
    return [report.counts.matching === 0 ? 'no open dead letter matches' : '', ...report.notes].join('\n').trim();
  const counts = new Map<string, { count: number; reason: string }>();
  for (const { result, reason } of results) {
    const before = counts.get(result);
    counts.set(result, { count: (before?.count ?? 0) + 1, reason: before?.reason ?? reason ?? '' });
  }
  const rows = [...counts].map(([result, { count, reason }]) => [result, whole(count), short(reason)]);
  return [tableOf([`${action}: what became of it`, '>letters', 'the first reason'], rows), ...report.notes].join('\n');
}

function briefly({ group, letter, result, reason }: DeadLetterResult & { group: string }) {
  return { group, commandId: letter.commandId, bodyHash: letter.bodyHash, result, reason };
}

function idOf(id: string): string {
  const parsed = uuidSchema.safeParse(id);
  if (!parsed.success) throw new BadInput(`the command id must be a UUID, not ${JSON.stringify(id)}`);
  return parsed.data;
}

function checked(option: string, schema: typeof nameInLogsSchema, text: string, violations: string[]): string {
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  violations.push(`${option} ${parsed.error.issues.map(({ message }) => message).join(', ')}`);
  return '';
}

function short(text: string): string {
  return text.length <= REASON_LENGTH ? text : `${text.slice(0, REASON_LENGTH)} …`;
}
