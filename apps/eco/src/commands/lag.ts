import type { OwnToken } from '@eco/access';
import { sleep } from '@eco/base';
import { LAG_UNKNOWN, replicationSchema } from '@eco/contracts';
import { ReplicationWatch, type NodeReplication } from '@eco/database';
import { formatPosition, positionOf } from '@eco/routing';
import type { Command } from 'commander';
import { printChecked, whole, wholeNumberOf } from '../input.js';
import { tableOf } from '../text-table.js';
import { openTarget, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly every: string;
  readonly once?: true;
  readonly json?: true;
}

/** One node, and its share of its group's reads; null: no read-service answers. */
type Row = NodeReplication & { group: string; readShare: number | null };

const READ_SERVICE_MS = 2_000;

/** `eco lag`: shows how far each replica is behind, from both ends, repeatedly until Ctrl-C. */
export function registerLag(program: Command): void {
  targetOptions(program.command('lag').description('show how far each replica is behind, live'))
    .option('--every <ms>', 'time between two lines', '1000')
    .option('--once', 'print once')
    .option('--json', 'print JSON, one object per line')
    .action((options: Options, command: Command) =>
      printChecked(command, everyMsOf(options), (everyMs) => lag(options, everyMs, command)),
    );
}

function everyMsOf({ every }: Options) {
  return (violations: string[]) => wholeNumberOf('--every', every, { min: 100, max: 3_600_000 }, violations);
}

async function lag(options: Options, everyMs: number, command: Command): Promise<string> {
  const target = await openTarget(options);
  const login = target.databaseLogin('eco_monitor');
  const operator = target.tokenOf('operator');
  const watches = target.groups.map(({ id, nodes }) => ({ group: id, watch: new ReplicationWatch(nodes, login) }));
  const look = async (): Promise<Row[]> => {
    const [shares, ...looked] = await Promise.all([
      sharesOf(target.urlOf('read-service'), operator),
      ...watches.map(async ({ group, watch }) => (await watch.look()).map((node) => ({ group, ...node }))),
    ]);
    return looked.flat().map((node) => ({ ...node, readShare: shares.get(node.name) ?? null }));
  };
  const shown = (nodes: Row[]) =>
    options.json ? JSON.stringify({ at: new Date().toISOString(), nodes }) : table(nodes);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  try {
    for (;;) {
      const text = shown(await look());
      if (options.once) return text;
      const clear = process.stdout.isTTY && !options.json ? '\u001b[2J\u001b[H' : '';
      command.configureOutput().writeOut?.(`${clear}${text}\n`);
      await sleep(everyMs, interrupt.signal);
      if (interrupt.signal.aborted) return '';
    }
  } finally {
    for (const { watch } of watches) watch.close();
  }
}

/** Share of the reads by node. Empty if the read-service does not respond; the databases are queried all the same. */
async function sharesOf(readUrl: string, operator: OwnToken): Promise<Map<string, number>> {
  try {
    const response = await fetch(`${readUrl}/replication`, {
      headers: await operator.header(),
      signal: AbortSignal.timeout(READ_SERVICE_MS),
    });
    const { nodes } = replicationSchema.parse(await response.json());
    return new Map(nodes.map(({ node, share }) => [node, share]));
  } catch {
    return new Map();
  }
}

function table(nodes: readonly Row[]): string {
  const number = (value: number | null | undefined) => (value === undefined || value === null ? '' : whole(value));
  return tableOf(
    ['node', 'role', 'state', 'sync', 'position', '>lag ms', '>lag bytes', '>own view', 'slot', '>retained', '>reads'],
    nodes.map(({ group, name, role, position, lagMs, seenByPrimary, seenByItself, slot, readShare }) => [
      name,
      role,
      role === 'replica' ? (seenByPrimary?.state ?? 'not streaming') : '',
      seenByPrimary?.syncState ?? '',
      position === null || position.term === 0 ? '' : formatPosition(positionOf([{ group, ...position }])),
      role !== 'replica' ? '' : lagMs === null ? LAG_UNKNOWN : whole(lagMs),
      number(seenByPrimary?.lagBytes),
      number(seenByItself?.lagBytes),
      slot === null ? '' : slot.active ? slot.walStatus : `${slot.walStatus}, not used`,
      number(slot?.retainedBytes),
      readShare === null ? '' : `${(readShare * 100).toFixed(1)} %`,
    ]),
  );
}
