import { Command } from 'commander';
import { registerBackups } from './commands/backups.js';
import { registerBranch } from './commands/branch.js';
import { registerContainer } from './commands/container.js';
import { registerCustomers } from './commands/customers.js';
import { registerDeadLetters } from './commands/dead-letters.js';
import { registerDoctor } from './commands/doctor.js';
import { registerDown } from './commands/down.js';
import { registerFailover } from './commands/failover.js';
import { registerJournal } from './commands/journal.js';
import { registerLag } from './commands/lag.js';
import { registerLoad } from './commands/load.js';
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

const program = new Command('eco').description('EcoMarket: the order and stock backbone of a retail chain');
const commands = [
  registerUp,
  registerDown,
  registerStatus,
  registerDoctor,
  registerToken,
  registerLoad,
  registerVerify,
  registerTrace,
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
  registerContainer,
];
for (const register of commands) {
  register(program);
}

// A reader of this output, such as head, may close it early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

program.parseAsync().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
