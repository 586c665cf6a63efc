import type { Command } from 'commander';
import { print } from '../input.js';
import { operate, type OperateOptions } from '../operate.js';
import { dataOption } from '../target.js';

interface Group extends OperateOptions {
  readonly group?: string;
}

/** `eco switchover`, `eco failover`, `eco reinit`: which node of a group is the primary. */
export function registerFailover(program: Command): void {
  groupOption(program.command('switchover').description('make another node the primary; nothing is lost'))
    .option('--to <node>', 'the node (default: the replica that has replayed most)')
    .action(({ to, ...options }: Group & { to?: string }, command: Command) =>
      print(command, operate(options, { type: 'switchover', ...groupOf(options), ...(to !== undefined && { to }) })),
    );
  groupOption(program.command('failover').description('replace a lost primary whose failover was refused'))
    .option('--accept-loss', 'do it; without this option, only say what would be lost')
    .action(({ acceptLoss = false, ...options }: Group & { acceptLoss?: boolean }, command: Command) =>
      print(command, operate(options, { type: 'failover', ...groupOf(options), acceptLoss })),
    );
  dataOption(program.command('reinit <node>').description('copy a replica from its primary again')).action(
    (node: string, options: OperateOptions, command: Command) =>
      print(command, operate(options, { type: 'reinit', node })),
  );
}

function groupOption(command: Command): Command {
  return dataOption(command).option('--group <id>', 'the database group; needed if there are several');
}

function groupOf({ group }: Group): { group?: string } {
  return group === undefined ? {} : { group };
}
