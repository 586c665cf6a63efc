import { ensurePrograms, Refused, restore, targetOf, type RestoreResult, type RestoreTarget } from '@eco/cluster';
import { formatPosition, positionOf } from '@eco/routing';
import type { Command } from 'commander';
import { backupsOption } from '../describe.js';
import { json, printChecked } from '../input.js';
import { dataDirOf } from '../target.js';

interface RestoreOptions {
  readonly to: string;
  readonly data?: string;
  readonly backups?: string;
  readonly from?: string;
  readonly without?: string;
  readonly json?: true;
}

/** `eco restore`: the databases as they were at a moment, from their backups and the archived log. */
export function registerRestore(program: Command): void {
  program
    .command('restore')
    .description('restore the databases to a point in time; nothing may run meanwhile')
    .requiredOption(
      '--to <point>',
      'the last moment to keep: a time with its zone (2026-11-29T03:00:00Z), a position (g1=1.e046e033.1234), or end',
    )
    .addOption(backupsOption())
    .option('--data <dir>', 'data folder, stopped or new (default: .eco in the project)')
    .option('--from <backup>', 'backup to begin with (default: the last one before the point)')
    .option('--without <ids>', 'branches that never sell again, so that nothing waits for them: id,id,…')
    .option('--json', 'print JSON')
    .action((options: RestoreOptions, command: Command) =>
      printChecked(
        command,
        (violations) => pointOf(options, violations),
        (target) => run(options, target),
      ),
    );
}

function pointOf({ to, backups }: RestoreOptions, violations: string[]): RestoreTarget {
  if (!backups) violations.push('name the folder of the backups by --backups DIR');
  try {
    return targetOf(to);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    violations.push(error.message);
    return { type: 'end' };
  }
}

async function run(
  { backups = '', from, without, json: asJson, ...where }: RestoreOptions,
  target: RestoreTarget,
): Promise<string> {
  const { postgresDir, pgbackrest } = await ensurePrograms(() => undefined, { backups: true });
  if (pgbackrest === undefined) throw new Error('pgBackRest was found and is gone');
  const dataDir = dataDirOf(where);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const result = await restore({
    programs: { postgresDir, pgbackrest },
    dataDir,
    backupsDir: backups,
    target,
    from,
    without: without?.split(',').map((id) => id.trim()) ?? [],
    say,
  });
  return asJson ? json(result) : textOf(result);
}

function textOf({ groups, formerDir }: RestoreResult): string {
  const lines = groups.map(
    ({ groupId, position, backup }) =>
      `${groupId}: restored to ${formatPosition(positionOf([position]))} from backup ${backup.label}`,
  );
  if (formerDir !== undefined) lines.push(`the databases of before are in ${formerDir}: remove them when all is well`);
  lines.push('next: "npm start", then "npx eco backup --full"');
  return lines.join('\n');
}
