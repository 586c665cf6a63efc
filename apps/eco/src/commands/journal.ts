import { within } from '@eco/base';
import { BrokerConnection, CommandPublisher, type BrokerAccess } from '@eco/broker';
import { brokerAddresses, brokerLogin, composeRun, journalsDir, openSecrets } from '@eco/cluster';
import { Journal, JournalError, readJournals, Relay, type JournalReport } from '@eco/journal';
import type { Command } from 'commander';
import { findContainers } from '../compose-system.js';
import { asBadInput, BadInput, json, print, printChecked, whole, wholeNumberOf } from '../input.js';
import { tableOf } from '../text-table.js';
import { dataDirOf, isComposeMeant, runIn, targetOptions, type Where } from '../target.js';

interface Place extends Where {
  readonly dir?: string;
}

interface ListOptions extends Place {
  readonly json?: true;
}

interface DrainOptions extends Place {
  readonly setAside?: true;
  readonly limit: string;
}

const EXIT_LEFT = 1;

/**
 * `eco journal`: commands that are accepted and not yet with the brokers. `eco journal drain` sends them for an ended
 * process.
 */
export function registerJournal(program: Command): void {
  const journal = placeOptions(
    program.command('journal').description('show commands accepted while no broker confirmed, by process'),
  )
    .option('--json', 'print JSON')
    .action((options: ListOptions, command: Command) =>
      print(command, () => place(options, () => list(options), ['journal', ...(options.json ? ['--json'] : [])])),
    );

  placeOptions(
    journal
      .command('drain <name>')
      .description('send the journal of an ended process to the brokers; ends with 1 if something is left'),
  )
    .option('--set-aside', 'also retry parked commands')
    .option('--limit <s>', 'give up after this time', '60')
    .action((name: string, _options: DrainOptions, command: Command) => {
      // The parent command has the same options and reads them first.
      const options = command.optsWithGlobals<DrainOptions>();
      const setAside = options.setAside ? ['--set-aside'] : [];
      const there = ['journal', 'drain', ...setAside, '--limit', options.limit, '--', name];
      return printChecked(
        command,
        (violations) => wholeNumberOf('--limit', options.limit, { max: 86_400 }, violations) * 1000,
        (limitMs) => place(options, () => drain(name, options, limitMs), there),
      );
    });
}

function placeOptions(command: Command): Command {
  return targetOptions(command).option(
    '--dir <dir>',
    'folder of the journals (default: ECO_JOURNAL_DIR, else journals in the data folder)',
  );
}

/** Runs here, or as the command `there` in a container with the journals of compose.yaml. */
async function place(options: Place, work: () => Promise<string>, there: readonly string[]): Promise<string> {
  const isNamed = options.dir !== undefined || Boolean(process.env['ECO_JOURNAL_DIR']);
  if (!options.docker && (isNamed || !(await isComposeMeant(options)))) return asBadInput([JournalError], work);
  // Without containers there is no volume either, and the run would create an empty one. So this throws first.
  await findContainers();
  const { code, stdout, stderr } = await composeRun('central-api-1', there);
  // An error of the command, or of Docker itself.
  if (code !== 0 && stdout === '') throw new BadInput(stderr.trim().replace(/^error: /, ''));
  process.exitCode = code;
  return stdout.trimEnd();
}

async function list(options: ListOptions): Promise<string> {
  const dir = folderOf(options);
  const journals = readJournals(dir);
  if (options.json)
    return json({ dir, journals: journals.map((each) => ({ ...each, oldestMs: each.oldestMs ?? null })) });
  if (journals.length === 0) return `no journal is in ${dir}`;
  const heads = ['journal', '', '>waiting', '>oldest', '>bytes', '>parked'];
  return [
    tableOf(heads, journals.map(rowOf)),
    ...journals.flatMap(({ name, setAside }) =>
      setAside.map(({ id, queue, reason }) => `${name}: ${id} to ${queue} is parked: ${reason}`),
    ),
    ...journals
      .filter(({ inUse, depth }) => !inUse && depth > 0)
      .map(({ name }) => `${name} does not run: start it, or "npx eco journal drain ${name}"`),
  ].join('\n');
}

function rowOf({ name, inUse, depth, oldestMs, bytes, setAside }: JournalReport): string[] {
  const age = oldestMs === undefined ? '' : `${whole(Math.round(oldestMs / 1000))} s`;
  return [name, inUse ? 'in use' : 'orphaned', whole(depth), age, whole(bytes), whole(setAside.length)];
}

async function drain(name: string, options: DrainOptions, limitMs: number): Promise<string> {
  const dir = folderOf(options);
  const known = readJournals(dir).map((each) => each.name);
  if (!known.includes(name)) {
    throw new BadInput(`no journal ${JSON.stringify(name)} is in ${dir}: ${known.join(', ') || 'there is none'}`);
  }
  const access = await brokersOf(options);
  // The limit of 0 makes it accept nothing new. Only the present commands leave.
  const journal = new Journal({ dir, name, limitBytes: 0 });
  const connection = new BrokerConnection({ access, name: `eco journal drain ${name}` });
  const publisher = new CommandPublisher({
    connection,
    groupOf: () => {
      throw new Error('every entry of a journal names its queue');
    },
  });
  const relay = new Relay({ journal, publish: (queue, commands) => publisher.publishTogether(queue, commands) });
  try {
    if (options.setAside) journal.unpark();
    connection.start();
    publisher.start();
    relay.start();
    await within(limitMs, relay.idle(), () => undefined);
    return report(name, journal, relay, publisher.obstacle);
  } finally {
    await relay.stop();
    await publisher.stop();
    await connection.stop();
    journal.close();
  }
}

function report(name: string, journal: Journal, relay: Relay, obstacle: string | undefined): string {
  const { depth, removed, parkedNow } = journal.status;
  if (depth > 0 || parkedNow > 0) process.exitCode = EXIT_LEFT;
  const why = [...relay.alarms].map(([queue, alarm]) => `${queue}: ${alarm}`).join('; ') || obstacle;
  return [
    `${name}: the brokers have confirmed ${whole(removed)}`,
    ...(depth > 0 ? [`${whole(depth)} wait${why === undefined ? '' : ` (${why})`}`] : []),
    ...(parkedNow > 0 ? [`${whole(parkedNow)} parked`] : []),
  ].join(', ');
}

function folderOf({ data, dir }: Place): string {
  if (dir !== undefined) return dir;
  const own = process.env['ECO_JOURNAL_DIR'];
  if (data === undefined && own) return own;
  return journalsDir(dataDirOf({ data }));
}

/**
 * Address of the brokers. In a service's environment, such as its container, it is in a setting; otherwise it is in the
 * data folder of `eco up`.
 */
async function brokersOf({ data }: Place): Promise<BrokerAccess> {
  if (data === undefined && process.env['ECO_BROKERS']) {
    // This module takes a while to load and is needed only here.
    const { ConfigError, readConfig, secretsSetting, settings, withAuthority } = await import('@eco/service');
    try {
      const config = withAuthority(readConfig({ brokers: settings.brokers, secrets: secretsSetting([]) }, process.env));
      return { brokers: [...config.brokers], ...config.secrets.amqp };
    } catch (error) {
      throw error instanceof ConfigError ? new BadInput(error.violations.join('; ')) : error;
    }
  }
  const dataDir = dataDirOf({ data });
  return {
    brokers: brokerAddresses(runIn(dataDir).layout),
    // Only Central has journals.
    ...brokerLogin(await openSecrets(dataDir), 'central'),
  };
}
