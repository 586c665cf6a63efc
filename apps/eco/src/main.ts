import { EXIT_USAGE } from '@eco/cluster';
import { createProgram } from './program.js';

const program = createProgram();
for (const command of [program, ...program.commands]) {
  // Help that is shown because no command was given is a usage error.
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT_USAGE));
}

// A reader of this output, such as head, may close it early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

program
  .parseAsync()
  // A command line without an action, such as an unknown command.
  .then(() => program.refuse())
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
