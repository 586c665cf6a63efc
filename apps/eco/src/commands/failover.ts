import { composeReinit, composeSwitchover } from '@eco/cluster';
import type { Command } from 'commander';
import { BadInput, print } from '../input.js';
import { operate } from '../operate.js';
import { isComposeMeant, targetOptions, type Where } from '../target.js';

interface Group extends Where {
  readonly group?: string;
}

/** `eco switchover`, `eco failover`, `eco reinit`: which node of a group is the primary. In containers Patroni does it. */
export function registerFailover(program: Command): void {
  groupOption(program.command('switchover').description('make another node the primary; nothing is lost'))
    .option('--to <node>', 'the node (default: the replica that has replayed most)')
    .action((options: Group & { to?: string }, command: Command) => print(command, () => switchover(options)));
  groupOption(program.command('failover').description('replace a lost primary whose failover was refused'))
    .option('--accept-loss', 'do it; without this option, only say what would be lost')
    .action((options: Group & { acceptLoss?: boolean }, command: Command) => print(command, () => failover(options)));
  targetOptions(program.command('reinit <node>').description('copy a replica from its primary again')).action(
    (node: string, options: Where, command: Command) => print(command, () => reinit(node, options)),
  );
}

async function switchover({ to, group, ...where }: Group & { to?: string }): Promise<string> {
  if (await isComposeMeant(where)) return composeSwitchover({ group, to });
  return operate(where, { type: 'switchover', ...groupOf({ group }), ...(to !== undefined && { to }) });
}

async function failover({ acceptLoss = false, group, ...where }: Group & { acceptLoss?: boolean }): Promise<string> {
  if (await isComposeMeant(where)) {
    throw new BadInput('in containers Patroni replaces a lost primary: docs/operations.md, "The primary failed"');
  }
  return operate(where, { type: 'failover', ...groupOf({ group }), acceptLoss });
}

async function reinit(node: string, where: Where): Promise<string> {
  if (await isComposeMeant(where)) return composeReinit(node);
  return operate(where, { type: 'reinit', node });
}

function groupOption(command: Command): Command {
  return targetOptions(command).option('--group <id>', 'the database group; needed if there are several');
}

function groupOf({ group }: { readonly group?: string | undefined }): { group?: string } {
  return group === undefined ? {} : { group };
}
