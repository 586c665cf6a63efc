import type { Command } from 'commander';
import { judge } from '../doctor/checks.js';
import { findingForJson, worstOf } from '../doctor/finding.js';
import { findingsText } from '../doctor/findings-text.js';
import { look } from '../doctor/look.js';
import { observe } from '../doctor/observed.js';
import { json, print } from '../input.js';
import { targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly json?: true;
}

/** 2 is bad input, for all commands. */
const exitCodes = { ok: 0, warning: 1, critical: 3 } as const;

/** `eco doctor`: runs the checks of an operator once, and ends with the severity of the worst. */
export function registerDoctor(program: Command): void {
  targetOptions(
    program
      .command('doctor')
      .description('check clocks, disks, slots, queues, journals, certificates and every threshold'),
  )
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) => print(command, () => doctor(options)));
}

async function doctor(options: Options): Promise<string> {
  const findings = judge(await look(await observe(options)), Date.now());
  const state = worstOf(findings);
  process.exitCode = exitCodes[state];
  if (options.json) return json({ state, findings: findings.map(findingForJson) });
  const wrong = findings.filter((each) => each.state !== 'ok').length;
  const summary =
    wrong === 0 ? `${findings.length} checks, nothing is wrong` : `${findings.length} checks, ${wrong} wrong`;
  return `${findingsText(findings)}\n${summary}`;
}
