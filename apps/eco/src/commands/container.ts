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
  Refused,
  wantGroup,
} from '@eco/cluster';
import { trustAuthority } from '@eco/base';
import { timeZoneSchema } from '@eco/contracts';
import type { Command } from 'commander';
import { branchIdsOf } from '../describe.js';
import { asBadInput, print, refuse, wholeNumberOf } from '../input.js';
import { rotateAll } from './secrets.js';

/** Mount point of all containers' volumes in the jobs of compose.yaml. */
const DIR = '/eco';

/** `eco container …`: the jobs of compose.yaml. Each may run at every start. */
export function registerContainer(program: Command): void {
  const jobs = program.command('container').description('jobs of compose.yaml, run in containers by Compose');
  const job = (name: string, description: string, work: (...args: string[]) => Promise<string>) =>
    jobs
      .command(name)
      .description(description)
      .action((...all: unknown[]) => {
        const command = all[all.length - 1] as Command;
        return print(
          command,
          asBadInput([Refused, ProcessError], () => work(...command.args)),
        );
      });

  job('want-group <id>', 'say that this start is to have a group beyond the first', async (id = '') => {
    await wantGroup(DIR, id);
    return `this start has the group ${id}`;
  });
  job('configure <branches>', 'make passwords and settings, and give each container its own', async (branches = '') => {
    const violations: string[] = [];
    const branchIds = branchIdsOf('ECO_BRANCHES', branches, violations);
    refuse(violations);
    const hosts = (process.env['ECO_HOSTS'] ?? '').split(',').map((host) => host.trim());
    await configure(
      DIR,
      branchIds,
      hosts.filter((host) => host !== ''),
    );
    return 'every container has its passwords and settings';
  });
  const declaration = 'declare queues and users, prepare the databases, wait for replicas';
  job('declare <buckets> <branches> [time-zone]', declaration, async (text = '', branches = '', timeZone = '') => {
    const violations: string[] = [];
    const buckets = wholeNumberOf('ECO_BUCKETS', text, { max: 256 }, violations);
    const branchIds = branchIdsOf('ECO_BRANCHES', branches, violations);
    const zone = timeZoneSchema.safeParse(timeZone);
    if (timeZone !== '' && !zone.success) violations.push(`ECO_TIME_ZONE: ${zone.error.issues[0]?.message}`);
    refuse(violations);
    await declare(DIR, { buckets, branchIds, timeZone: zone.data });
    return 'queues and databases are as they must be, and all replicas follow';
  });
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
