import {
  addFirstProducts,
  allDir,
  composeInstallation,
  configure,
  declare,
  forward,
  openSecrets,
  ProcessError,
  readAuthority,
  wantGroup,
} from '@eco/cluster';
import { trustAuthority } from '@eco/base';
import type { Command } from 'commander';
import { branchIdsOf, bucketsOf, timeZoneOf } from '../describe.js';
import { asBadInput, printChecked } from '../input.js';
import { rotateAll } from './secrets.js';

/** Mount point of all containers' volumes in the jobs of compose.yaml. */
const DIR = '/eco';

/** `eco container …`: the jobs of compose.yaml. Each may run at every start. */
export function registerContainer(program: Command): void {
  const jobs = program.command('container').description('jobs of compose.yaml, run in containers by Compose');
  const checkedJob = <Input>(
    name: string,
    description: string,
    read: (violations: string[], ...args: string[]) => Input,
    work: (input: Input) => Promise<string>,
  ) =>
    jobs
      .command(name)
      .description(description)
      .action((...all: unknown[]) => {
        const command = all[all.length - 1] as Command;
        return printChecked(
          command,
          (violations) => read(violations, ...command.args),
          (input) => asBadInput([ProcessError], () => work(input)),
        );
      });
  const job = (name: string, description: string, work: (...args: string[]) => Promise<string>) =>
    checkedJob(
      name,
      description,
      (_violations, ...args) => args,
      (args) => work(...args),
    );

  job('want-group <id>', 'say that this start is to have a group beyond the first', async (id = '') => {
    await wantGroup(DIR, id);
    return `this start has the group ${id}`;
  });
  checkedJob(
    'configure <branches>',
    'make passwords and settings, and give each container its own',
    (violations, branches = '') => branchIdsOf('ECO_BRANCHES', branches, violations),
    async (branchIds) => {
      const hosts = (process.env['ECO_HOSTS'] ?? '').split(',').map((host) => host.trim());
      await configure(
        DIR,
        branchIds,
        hosts.filter((host) => host !== ''),
      );
      return 'every container has its passwords and settings';
    },
  );
  checkedJob(
    'declare <buckets> <branches> [time-zone]',
    'declare queues and users, prepare the databases, wait for replicas',
    (violations, buckets = '', branches = '', timeZone = '') => ({
      buckets: bucketsOf('ECO_BUCKETS', buckets, violations),
      branchIds: branchIdsOf('ECO_BRANCHES', branches, violations),
      timeZone: timeZoneOf('ECO_TIME_ZONE', timeZone, violations),
    }),
    async (declared) => {
      await declare(DIR, declared);
      return 'queues and databases are as they must be, and all replicas follow';
    },
  );
  job('forward', 'pass on the ports of containers without a way out, until SIGTERM', async () => {
    process.once('SIGTERM', () => process.exit());
    await forward();
    return 'ports are passed on';
  });
  job('rotate <end-sessions> <names...>', 'rotate these secrets', async (endSessions = '', ...names) => {
    const installation = await composeInstallation(DIR);
    return rotateAll(installation, names, { endSessions: endSessions === 'end-sessions' });
  });
  job('first-products <url>', 'put the first products into the catalogue at Central', async (url = '') => {
    trustAuthority(await readAuthority(allDir(DIR)));
    await addFirstProducts(url, (await openSecrets(allDir(DIR))).tokens);
    return 'the first products are in the catalogue';
  });
}
