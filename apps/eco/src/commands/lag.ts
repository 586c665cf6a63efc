import { ReplicationWatch, type NodeReplication } from '@eco/database';
import type { Command } from 'commander';
import { json, print, refuse, whole, wholeNumberOf } from '../input.js';
import { tableOf } from '../table.js';
import { openTarget, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly every: string;
  readonly once?: true;
  readonly json?: true;
}

/** `eco lag`: how far each replica is behind, from both ends, again and again until Ctrl-C. */
export function registerLag(program: Command): void {
  targetOptions(program.command('lag').description('show how far each replica is behind, live'))
    .option('--every <ms>', 'time between two looks', '1000')
    .option('--once', 'look once')
    .option('--json', 'print JSON, one line a look')
    .action((options: Options, command: Command) => print(command, lag(options, command)));
}

async function lag(options: Options, command: Command): Promise<string> {
  const faults: string[] = [];
  const everyMs = wholeNumberOf('--every', options.every, { min: 100, max: 3_600_000 }, faults);
  refuse(faults);
  const target = await openTarget(options);
  const login = target.login('eco_monitor');
  const watches = target.groups.map(({ id, nodes }) => ({ group: id, watch: new ReplicationWatch(nodes, login) }));
  const look = async () =>
    (
      await Promise.all(
        watches.map(async ({ group, watch }) => (await watch.look()).map((node) => ({ group, ...node }))),
      )
    ).flat();
  const shown = (nodes: (NodeReplication & { group: string })[]) =>
    options.json
      ? options.once
        ? json(nodes)
        : JSON.stringify({ at: new Date().toISOString(), nodes })
      : table(nodes);
  const interrupted = new Promise<'stop'>((resolve) => process.once('SIGINT', () => resolve('stop')));
  try {
    for (;;) {
      const text = shown(await look());
      if (options.once) return text;
      const clear = process.stdout.isTTY && !options.json ? '\u001b[2J\u001b[H' : '';
      command.configureOutput().writeOut?.(`${clear}${text}\n`);
      const pause = new Promise<'next'>((resolve) => setTimeout(resolve, everyMs, 'next'));
      if ((await Promise.race([interrupted, pause])) === 'stop') return '';
    }
  } finally {
    for (const { watch } of watches) watch.close();
  }
}

function table(nodes: readonly (NodeReplication & { group: string })[]): string {
  const number = (value: number | undefined) => (value === undefined ? '' : whole(value));
  return tableOf(
    ['group', 'node', 'role', '>batch', 'state', 'sync', '>lag bytes', '>lag ms', '>own view: bytes', '>ms'],
    nodes.map(({ group, name, role, seq, seenByPrimary, seenByItself }) => [
      group,
      name,
      role,
      seq === null ? '' : whole(seq),
      role === 'replica' ? (seenByPrimary?.state ?? 'not streaming') : '',
      seenByPrimary?.syncState ?? '',
      number(seenByPrimary?.lagBytes),
      number(seenByPrimary?.lagMs),
      number(seenByItself?.lagBytes),
      number(seenByItself?.lagMs),
    ]),
  );
}
