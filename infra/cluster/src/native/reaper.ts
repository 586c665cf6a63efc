import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends what we started when we end without doing so ourselves: a test run that is killed must not leave servers behind.
 * A shell that reads from us until we are gone, then kills whatever it was told of and did not hear the end of,
 * and does what it was told to do last.
 */
const SCRIPT = `
folder=$1
pids=' '
last=
while read -r verb rest; do
  case $verb in
    began) pids="$pids$rest " ;;
    ended) pids="\${pids%% $rest *} \${pids#* $rest }" ;;
    last) last="$last
$rest" ;;
    done) exit 0 ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
eval "$last"
[ -z "$folder" ] || { sleep 1; rm -rf "$folder"; }
`;

export class Reaper {
  readonly #shell: ChildProcess;

  /** `folder` is removed too, if given. */
  constructor(folder: string | undefined) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'eco-reaper', folder ?? ''], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    this.#shell.unref();
    // Gone already: nothing to tell it.
    this.#shell.stdin?.on('error', () => undefined);
    (this.#shell.stdin as unknown as { unref?(): void }).unref?.();
  }

  began(pid: number): void {
    this.#tell(`began ${pid}`);
  }

  ended(pid: number): void {
    this.#tell(`ended ${pid}`);
  }

  /** A line of shell that undoes what no process holds: a network, a mount. It is run after the processes were killed. */
  addCleanup(command: string): void {
    this.#tell(`last ${command}`);
  }

  /** All is stopped: it may go. */
  dismiss(): void {
    this.#tell('done');
    this.#shell.stdin?.end();
  }

  #tell(line: string): void {
    this.#shell.stdin?.write(`${line}\n`);
  }
}
