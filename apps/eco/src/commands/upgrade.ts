import { composeRestart, composeStop, declareRunning, trustLayout } from '@eco/cluster';
import type { Command } from 'commander';
import { print } from '../input.js';
import { operate, runOf, type OperateOptions } from '../operate.js';
import { dataOption, isComposeMeant, targetOptions, type Where } from '../target.js';

/** `eco declare`, `eco restart`, `eco stop`: the steps of an upgrade while everything runs. */
export function registerUpgrade(program: Command): void {
  dataOption(
    program.command('declare').description('declare what this version needs of brokers and databases, while all runs'),
  ).action((options: OperateOptions, command: Command) => print(command, () => declare(options)));
  targetOptions(
    program.command('restart <service>').description('start a service again, with its present program and settings'),
  ).action((service: string, options: Where, command: Command) => print(command, () => restart(service, options)));
  targetOptions(program.command('stop <service>').description('stop a service until "eco restart"')).action(
    (service: string, options: Where, command: Command) => print(command, () => stop(service, options)),
  );
}

async function declare(options: OperateOptions): Promise<string> {
  const { dataDir, run } = runOf(options);
  trustLayout(run.layout);
  await declareRunning(dataDir, run.layout);
  return 'brokers and databases have what this version needs';
}

async function restart(service: string, where: Where): Promise<string> {
  if (!(await isComposeMeant(where))) return operate(where, { type: 'restart', service });
  await composeRestart(service);
  return `${service} is ready again`;
}

async function stop(service: string, where: Where): Promise<string> {
  if (!(await isComposeMeant(where))) return operate(where, { type: 'stop', service });
  await composeStop(service);
  return `${service} is stopped until it is restarted`;
}
