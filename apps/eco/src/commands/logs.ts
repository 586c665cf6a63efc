import { followComposeLogs } from '@eco/cluster';
import { sleep } from '@eco/base';
import type { Command } from 'commander';
import { findContainers } from '../compose-system.js';
import { BadInput, forTerminal, printChecked, wholeNumberOf } from '../input.js';
import { LogReader, type LogFilter } from '../logs/log-reader.js';
import { byTime, type ProcessLine } from '../logs/merge.js';
import { dataDirOf, isComposeMeant, runIn, targetOptions, type Where } from '../target.js';
import { ID } from '../trace/ids.js';

interface Options extends Where {
  readonly follow?: true;
  readonly correlation?: string;
  readonly lines: string;
}

const LINES_MAX = 100_000;
const LOOK_MS = 250;

/** `eco logs`: the log of a process, or of all by time. */
export function registerLogs(program: Command): void {
  targetOptions(program.command('logs [process]').description('show the log of a process, or of all by time'))
    .option('--follow', 'also show what is added, until Ctrl-C')
    .option('--correlation <id>', 'only lines with this X-Correlation-Id')
    .option('--lines <n>', 'most lines of each process that are there already', '100')
    .action((name: string | undefined, options: Options, command: Command) =>
      printChecked(
        command,
        (violations) => filterOf(options, violations),
        (filter) => logs(name, options, filter, (text) => command.configureOutput().writeOut?.(text)),
      ),
    );
}

function filterOf({ correlation, lines }: Options, violations: string[]): LogFilter {
  if (correlation !== undefined && !ID.test(correlation)) {
    violations.push(
      `--correlation: an id has 8 to 128 letters, digits or ._:/+=@-, not ${JSON.stringify(correlation)}`,
    );
  }
  return {
    lines: wholeNumberOf('--lines', lines, { min: 0, max: LINES_MAX }, violations),
    // As a value of the JSON of our lines: it is no part of a longer id.
    text: correlation === undefined ? undefined : JSON.stringify(correlation),
  };
}

type Write = (text: string) => void;

async function logs(name: string | undefined, options: Options, filter: LogFilter, write: Write): Promise<string> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const show = (lines: readonly ProcessLine[]) => {
    for (const { process: from, line } of lines) {
      const text = forTerminal(line.replaceAll('\t', '    '));
      write(name === undefined ? `${from} | ${text}\n` : `${text}\n`);
    }
  };
  const isFollowed = options.follow ?? false;
  if (await isComposeMeant(options)) await containerLogs(name, filter, isFollowed, show, interrupt.signal);
  else await processLogs(readersOf(name, options, filter), isFollowed, show, interrupt.signal);
  return '';
}

type Show = (lines: readonly ProcessLine[]) => void;

function readersOf(name: string | undefined, options: Options, filter: LogFilter): Map<string, LogReader> {
  const dataDir = dataDirOf(options);
  const run = runIn(dataDir);
  const wanted = oneOrAll(
    name,
    run.processes.map((each) => each.name),
  );
  const files = run.processes.filter((each) => wanted.includes(each.name));
  return new Map(files.map((each) => [each.name, new LogReader(each.logFile, filter)]));
}

function oneOrAll(name: string | undefined, all: readonly string[]): readonly string[] {
  if (name === undefined) return all;
  if (all.includes(name)) return [name];
  throw new BadInput(`there is no process ${JSON.stringify(name)}; there are ${[...all].sort().join(', ')}`);
}

async function processLogs(
  readers: ReadonlyMap<string, LogReader>,
  isFollowed: boolean,
  show: Show,
  signal: AbortSignal,
): Promise<void> {
  const look = (read: (reader: LogReader) => string[]) =>
    show(byTime([...readers].map(([process, reader]) => read(reader).map((line) => ({ process, line })))));
  look((reader) => reader.last());
  while (isFollowed && !signal.aborted) {
    await sleep(LOOK_MS, signal);
    look((reader) => reader.added());
  }
}

async function containerLogs(
  name: string | undefined,
  { lines, text }: LogFilter,
  isFollowed: boolean,
  show: Show,
  signal: AbortSignal,
): Promise<void> {
  const services = oneOrAll(
    name,
    (await findContainers()).map(({ service }) => service),
  );
  const kept = new Map<string, ProcessLine[]>(services.map((service) => [service, []]));
  await followComposeLogs(
    services,
    // With a correlation id, the lines to show may be anywhere in the log.
    { isFollowed, lines: text === undefined ? lines : undefined },
    (process, line) => {
      if (text !== undefined && !line.includes(text)) return;
      const own = kept.get(process);
      if (isFollowed || own === undefined) return show([{ process, line }]);
      own.push({ process, line });
      if (own.length > lines) own.shift();
    },
    signal,
  );
  show(byTime([...kept.values()]));
}
