import { CommanderError } from 'commander';
import { createProgram } from './program.js';

interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function eco(...args: string[]): Promise<Ended> {
  let [out, err] = ['', ''];
  const program = createProgram();
  const watch = (command: ReturnType<typeof createProgram>) => {
    command.exitOverride().configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (err += text) });
    command.commands.forEach((each) => watch(each as typeof command));
  };
  watch(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    program.refuse();
    return { exitCode: 0, out, err };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode, out, err };
  }
}

it.each([
  ['status --jsn', ["unknown option '--jsn' (Did you mean --json?)"]],
  ['status --jsn --docket', ["unknown option '--jsn'", "unknown option '--docket'"]],
  ['up --brokers 2 --replicas x', ['--brokers must be one of 1, 3, 5, not "2"', '--replicas must be a whole number']],
  ['up --log-level loud --time-zone Mars/X --branches a,a', ['--log-level', '--time-zone: "Mars/X"', 'branch twice']],
  ['up --docker --brokers 1 --backups x', ['--brokers: compose.yaml settles that', 'containers are not backed up yet']],
  ['load --orders x --hot 101 --read 1', ["unknown option '--read'", '--orders must be', '--hot must be']],
  ['trace --jsn', ["unknown option '--jsn'", "missing required argument 'id'"]],
  ['token --minutes x', ["required option '--role <role>' not specified", '--minutes must be']],
  ['status --docker --data x', ["option '--docker' cannot be used with option '--data <dir>'"]],
  ['backup --full --diff', ["option '--full' cannot be used with option '--diff'"]],
  ['status more', ["too many arguments for 'status'"]],
  ['users ad x', ["unknown command 'users ad'"]],
  ['stats', ["unknown command 'stats' (Did you mean status?)"]],
  ['restore --to never', ['--backups DIR', '--to must be "end"']],
  ['dead-letters replay x --class y --kind z', ['must be a UUID', '--class must be one of', '--kind must be one of']],
  ['quotas settle a b c', ['units must be a whole number', '--reason must say why']],
  ['container declare 3 a,a Mars/X', ['ECO_BUCKETS', 'ECO_BRANCHES', 'ECO_TIME_ZONE']],
  ['completion fish', ['the shell must be one of bash, zsh, not "fish"']],
  ['lag --every', ["option '--every <ms>' argument missing"]],
])('eco %s ends with 2, and one line names every fault', async (line, faults) => {
  const { exitCode, out, err } = await eco(...line.split(' '));
  expect({ exitCode, out, lines: err.trim().split('\n').length }).toEqual({ exitCode: 2, out: '', lines: 1 });
  for (const fault of faults) expect(err).toContain(fault);
});

it('--version prints the version', async () => {
  expect(await eco('--version')).toEqual({
    exitCode: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    err: '',
  });
});
