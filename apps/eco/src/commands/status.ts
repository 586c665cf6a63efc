import { isRunning, openSecrets, readRun } from '@eco/cluster';
import type { Command } from 'commander';
import { openComposeSystem } from '../compose-system.js';
import { judge } from '../doctor/checks.js';
import { findingForJson, type Finding } from '../doctor/finding.js';
import { findingsText } from '../doctor/findings-text.js';
import { look, type Observed } from '../doctor/look.js';
import { json, print } from '../input.js';
import { lookAt, lookAtContainers, type ProcessStatus } from '../process-status.js';
import { tableOf } from '../text-table.js';
import { dataDirOf, isComposeMeant, targetOptions, type Where } from '../target.js';

interface Options extends Where {
  readonly json?: true;
}

const EXIT_NOT_READY = 1;

/**
 * `eco status`: lists every process with its port and state, then what is wrong and what to do. Ends with 0 if everything
 * is ready.
 */
export function registerStatus(program: Command): void {
  targetOptions(program.command('status').description('show every process or container; ends with 0 if all are ready'))
    .option('--json', 'print JSON')
    .action((options: Options, command: Command) => print(command, () => status(options)));
}

async function status(options: Options): Promise<string> {
  if (await isComposeMeant(options)) return containerStatus(options);
  const dataDir = dataDirOf(options);
  const run = readRun(dataDir);
  const processes = run ? await lookAt(run, dataDir) : [];
  const supervised = run !== undefined && isRunning(run);
  const ready = supervised && processes.every(({ state }) => state === 'ready');
  const wrong = run
    ? await wrongOf({ layout: run.layout, secrets: await openSecrets(dataDir), processes, dataDir })
    : [];
  if (!ready) process.exitCode = EXIT_NOT_READY;
  if (options.json) {
    return statusJson({ dataDir, supervisorPid: supervised ? run.supervisor.pid : null, ready, processes, wrong });
  }
  if (!run) return `nothing runs with the data folder ${dataDir}`;
  const heads = ['process', '>pid', '>port', 'state', 'role', ''];
  return [
    tableOf(heads, processes.map(rowOf)),
    supervised
      ? `started by eco up, pid ${run.supervisor.pid}`
      : 'who started it is gone: stop the rest by "npm run down"',
    wrongText(wrong),
  ].join('\n');
}

async function containerStatus(options: Options): Promise<string> {
  const system = await openComposeSystem();
  const processes = await lookAtContainers(system);
  const wrong = await wrongOf({ ...system, processes });
  const ready = processes.every(({ state }) => state === 'ready');
  if (!ready) process.exitCode = EXIT_NOT_READY;
  if (options.json) return statusJson({ dataDir: null, supervisorPid: null, ready, processes, wrong });
  const heads = ['container', '>port', 'state', 'role', ''];
  const rows = processes.map((each) => rowOf(each).filter((_, column) => column !== PID_COLUMN));
  return [tableOf(heads, rows), 'in containers, by compose.yaml; also: docker compose ps', wrongText(wrong)].join('\n');
}

interface Report {
  /** Null: in containers. */
  readonly dataDir: string | null;
  /** Process of `eco up`. Null: it is gone, or the system runs in containers. */
  readonly supervisorPid: number | null;
  readonly ready: boolean;
  readonly processes: readonly ProcessStatus[];
  readonly wrong: readonly Finding[];
}

/** Each member is there in every report; null: there is no value. */
function statusJson({ processes, wrong, ...report }: Report): string {
  return json({
    ...report,
    processes: processes.map((each) => ({ role: null, detail: null, ...each })),
    wrong: wrong.map(findingForJson),
  });
}

/** What the checks of `eco doctor` find wrong. */
async function wrongOf(observed: Observed): Promise<Finding[]> {
  return judge(await look(observed), Date.now()).filter(({ state }) => state !== 'ok');
}

function wrongText(wrong: readonly Finding[]): string {
  if (wrong.length === 0) return 'nothing is wrong (npx eco doctor lists the checks)';
  return `what is wrong:\n${findingsText(wrong)}`;
}

const PID_COLUMN = 1;

function rowOf({ name, pid, port, state, role, detail }: ProcessStatus): string[] {
  return [name, pid === null ? '' : String(pid), port === 0 ? '' : String(port), state, role ?? '', detail ?? ''];
}
