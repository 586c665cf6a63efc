import { askControl, isRunning, readRun, Refused, type Operation } from '@eco/cluster';
import type { Command } from 'commander';
import { asBadInput, BadInput, print } from '../input.js';
import { dataDirOf, dataOption } from '../target.js';

interface Data {
  readonly data?: string;
}

interface Group extends Data {
  readonly group?: string;
}

/** `eco switchover`, `eco failover`, `eco reinit`: which node of a group is the primary. */
export function registerFailover(program: Command): void {
  groupOption(program.command('switchover').description('make another node the primary; nothing is lost'))
    .option('--to <node>', 'the node (default: the replica that has replayed most)')
    .action(({ to, ...options }: Group & { to?: string }, command: Command) =>
      print(command, ask(options, { type: 'switchover', ...groupOf(options), ...(to !== undefined && { to }) })),
    );
  groupOption(program.command('failover').description('replace a lost primary whose failover was refused'))
    .option('--accept-loss', 'do it; without this option, only say what would be lost')
    .action(({ acceptLoss = false, ...options }: Group & { acceptLoss?: boolean }, command: Command) =>
      print(command, ask(options, { type: 'failover', ...groupOf(options), acceptLoss })),
    );
  dataOption(program.command('reinit <node>').description('copy a replica from its primary again')).action(
    (node: string, options: Data, command: Command) => print(command, ask(options, { type: 'reinit', node })),
  );
}

function groupOption(command: Command): Command {
  return dataOption(command).option('--group <id>', 'the database group; needed if there are several');
}

function groupOf({ group }: Group): { group?: string } {
  return group === undefined ? {} : { group };
}

async function ask(options: Data, operation: Operation): Promise<string> {
  const dataDir = dataDirOf(options);
  const run = readRun(dataDir);
  if (run === undefined || !isRunning(run)) {
    throw new BadInput(
      `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another by --data`,
    );
  }
  const { control } = run;
  if (control === undefined) throw new BadInput('eco up still starts: try again when everything is ready');
  return asBadInput([Refused], () => askControl(control, operation));
}
