import { brokenChecks } from '@eco/database';
import type { Command } from 'commander';
import { json, printChecked, whole, wholeNumberOf } from '../input.js';
import { tableOf } from '../text-table.js';
import { openTarget, targetOptions, type Where } from '../target.js';
import { verifyGroups, type GroupVerification } from '../verify-groups.js';

interface Options extends Where {
  readonly node?: string;
  readonly limit: string;
  readonly json?: true;
}

const EXIT_BROKEN = 1;

/** `eco verify`: checks the rules in the data of a running system; ends with 1 if one is broken. */
export function registerVerify(program: Command): void {
  targetOptions(program.command('verify').description('check the rules in the data, each group in one snapshot'))
    .option('--node <name>', 'node to check, such as g1-1 (default: a replica of each group)')
    .option('--limit <s>', 'give up a group that takes longer: the snapshot holds back vacuum', '60')
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) =>
      printChecked(command, limitMsOf(options), (limitMs) => verify(options, limitMs)),
    );
}

function limitMsOf({ limit }: Options) {
  return (violations: string[]) => wholeNumberOf('--limit', limit, { max: 3_600 }, violations) * 1000;
}

async function verify(options: Options, limitMs: number): Promise<string> {
  const target = await openTarget(options);
  const { node } = options;
  const groups = await verifyGroups(target, node === undefined ? { limitMs } : { node, limitMs });
  if (groups.some((group) => brokenChecks(group).length > 0)) process.exitCode = EXIT_BROKEN;
  return options.json ? json({ groups }) : groups.map(groupText).join('\n');
}

function groupText(report: GroupVerification): string {
  const { group, node, role, position, heldMs, counts, checks } = report;
  const broken = brokenChecks(report);
  return [
    `group ${group}, as ${node} (${role}) showed it at batch ${whole(position.seq)} of term ${position.term}; snapshot held for ${whole(heldMs)} ms`,
    tableOf(
      Object.keys(counts).map((name) => `>${wordsOf(name)}`),
      [Object.values(counts).map(whole)],
    ),
    ...broken.flatMap(({ rule, name, says, offences, first }) => [
      `BROKEN ${rule} ${name}, ${whole(offences)} times: ${says}`,
      ...first.map((row) => `  ${JSON.stringify(row)}`),
      ...(offences > first.length ? [`  and ${whole(offences - first.length)} more`] : []),
    ]),
    broken.length === 0
      ? `R2 R3 R4 hold (${checks.length} checks)`
      : `${broken.length} of ${checks.length} checks found something`,
  ].join('\n');
}

/** `deadLettersOpen` → `dead letters open` */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
