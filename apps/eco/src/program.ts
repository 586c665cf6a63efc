import { PROJECT_DIR, UsageCommand } from '@eco/cluster';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { registerBackups } from './commands/backups.js';
import { registerBranch } from './commands/branch.js';
import { registerCompletion } from './commands/completion.js';
import { registerContainer } from './commands/container.js';
import { registerCustomers } from './commands/customers.js';
import { registerDeadLetters } from './commands/dead-letters.js';
import { registerDoctor } from './commands/doctor.js';
import { registerDown } from './commands/down.js';
import { registerFailover } from './commands/failover.js';
import { registerJournal } from './commands/journal.js';
import { registerLag } from './commands/lag.js';
import { registerLoad } from './commands/load.js';
import { registerLogs } from './commands/logs.js';
import { registerQuotas } from './commands/quotas.js';
import { registerReport } from './commands/report.js';
import { registerRestore } from './commands/restore.js';
import { registerSecrets } from './commands/secrets.js';
import { registerShards } from './commands/shards.js';
import { registerStatus } from './commands/status.js';
import { registerToken } from './commands/token.js';
import { registerTrace } from './commands/trace.js';
import { registerUp } from './commands/up.js';
import { registerUpgrade } from './commands/upgrade.js';
import { registerUsers } from './commands/users.js';
import { registerVerify } from './commands/verify.js';

const commands = [
  registerUp,
  registerDown,
  registerStatus,
  registerDoctor,
  registerToken,
  registerLoad,
  registerVerify,
  registerTrace,
  registerLogs,
  registerBackups,
  registerRestore,
  registerJournal,
  registerBranch,
  registerDeadLetters,
  registerLag,
  registerFailover,
  registerUpgrade,
  registerReport,
  registerShards,
  registerUsers,
  registerCustomers,
  registerQuotas,
  registerSecrets,
  registerCompletion,
  registerContainer,
];

/** The command line with all its commands. */
export function createProgram(): UsageCommand {
  const program = new UsageCommand('eco')
    .description('EcoMarket: the order and stock backbone of a retail chain')
    .version(version(), '-V, --version', 'print the version');
  for (const register of commands) register(program);
  return program;
}

function version(): string {
  const file = path.join(PROJECT_DIR, 'apps/eco/package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
