import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends the servers that a killed run has left behind. It is a shell that reads from this process until this process has
 * ended. Then it kills every reported process whose end was not reported, and runs the cleanup commands.
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

  /** `folder`, if given, is removed too. */
  constructor(folder: string | undefined) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'eco-reaper', folder ?? ''], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    this.#shell.unref();
    // This error occurs when the shell has ended already.
    this.#shell.stdin?.on('error', () => undefined);
    (this.#shell.stdin as unknown as { unref?(): void }).unref?.();
  }

  began(pid: number): void {
    this.#send(`began ${pid}`);
  }

  ended(pid: number): void {
    this.#send(`ended ${pid}`);
  }

  /**
   * Adds a shell command that removes a resource which no process holds, such as a network or a mount. It runs after
   * the processes were killed.
   */
  addCleanup(command: string): void {
    this.#send(`last ${command}`);
  }

  /** Ends the reaper when everything has stopped. */
  dismiss(): void {
    this.#send('done');
    this.#shell.stdin?.end();
  }

  #send(line: string): void {
    this.#shell.stdin?.write(`${line}\n`);
  }
}
