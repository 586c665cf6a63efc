import {
  endRun,
  isRunning,
  leftoversOf,
  readRun,
  removeDataFolder,
  stopLeftoverSteps,
  untilEnded,
  type Run,
} from '@eco/cluster';
import { Option, type Command } from 'commander';
import { stopCompose } from '../compose-system.js';
import { drawSteps } from '../draw-steps.js';
import { print } from '../input.js';
import { dataDirOf, dataOption } from '../target.js';

interface Options {
  readonly data?: string;
  readonly docker?: true;
  readonly volumes?: true;
}

/** Time limit of an orderly stop, ms. Brokers take longest: some 6 s, and several times that on a busy machine. */
const STOP_MS = 120_000;

/** `eco down`: stops the running system, or the leftovers of a crashed run. */
export function registerDown(program: Command): void {
  dataOption(program.command('down').description('stop the running system, or the leftovers of a crashed run'))
    .addOption(new Option('--docker', 'the containers of compose.yaml').conflicts('data'))
    .option('--volumes', 'remove the data too')
    .action((options: Options, command: Command) => print(command, () => down(options)));
}

async function down({ data, docker, volumes }: Options): Promise<string> {
  if (docker) {
    await stopCompose(volumes ?? false);
    return volumes ? 'the containers and their data are removed' : 'the containers are removed; the data stays';
  }
  const dataDir = dataDirOf({ data });
  const run = readRun(dataDir);
  const stopped = run ? await stop(run, dataDir) : 'nothing runs';
  if (!volumes) return `${stopped}; the data stays in ${dataDir}`;
  const removed = await removeDataFolder(dataDir);
  return removed ? `${stopped}; ${dataDir} is removed` : `${stopped}; there is no data in ${dataDir}`;
}

async function stop(run: Run, dataDir: string): Promise<string> {
  if (isRunning(run)) {
    const { pid } = run.supervisor;
    process.kill(pid, 'SIGTERM');
    await drawSteps([
      { title: `eco up (pid ${pid}) stops everything`, run: () => untilEnded(run.supervisor, STOP_MS) },
    ]);
    return 'everything is stopped';
  }
  const leftovers = leftoversOf(run).length;
  await drawSteps(stopLeftoverSteps(run));
  endRun(dataDir);
  return leftovers === 0 ? 'nothing runs' : `a crashed run had left ${leftovers} processes, now stopped`;
}
