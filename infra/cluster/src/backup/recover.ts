import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '@eco/base';
import { isInClass, SideConnection, SQLSTATE_CLASS } from '@eco/postgres';
import { quoted } from '../postgres-settings.js';
import { Refused } from '../refused.js';
import { replaceSecretFile, writeSecretFile } from '../secrets.js';
import { commandAs, giveTo, type Account } from '../native/account.js';

/** How far the log is replayed, as settings of PostgreSQL. */
export type RecoveryTarget = Readonly<Record<string, string>>;

export interface Recovery {
  readonly postgresDir: string;
  readonly account: Account;
  /** A restored backup. */
  readonly nodeDir: string;
  readonly restoreCommand: string;
  readonly target: RecoveryTarget;
}

const ANSWER_MS = 60_000;
const LOOK_EVERY_MS = 250;
const STOP_S = 600;
const PORT = 5432;

/**
 * Replays the log on a restored backup up to the target, lets `work` change the database, and stops it. Only this process
 * reaches the server: it has no port, and its socket is in a folder of its own. It stores no log, so it can't
 * disturb the archive; the next start stores what is new.
 */
export async function recover<T>(recovery: Recovery, work: (connection: SideConnection) => Promise<T>): Promise<T> {
  const { account, nodeDir } = recovery;
  const socketDir = await mkdtemp(path.join(os.tmpdir(), 'eco-restore-'));
  try {
    giveTo(account, socketDir);
    await writeSettings(recovery, socketDir);
    const log = path.join(socketDir, 'log');
    const failed = async () =>
      new Refused(`the log could not be replayed: ${fatalIn(await readFile(log, 'utf8').catch(() => ''))}`);
    await control(recovery, ['start', '--wait', `--log=${log}`]).catch(async () => {
      throw await failed();
    });
    const node = { host: socketDir, port: PORT };
    const connection = new SideConnection(node, { user: 'postgres', password: '' }, 'eco restore');
    try {
      if (!(await isReplayed(recovery, connection))) throw await failed();
      return await work(connection);
    } finally {
      connection.close();
      if (await isRunning(recovery)) {
        await control(recovery, ['stop', '--wait', `--timeout=${STOP_S}`, '--mode=fast']);
      }
    }
  } finally {
    await rm(socketDir, { recursive: true, force: true });
    await rm(path.join(nodeDir, 'recovery.signal'), { force: true });
  }
}

/** The next start of the system writes the same files again, with its own settings. */
async function writeSettings({ account, nodeDir, restoreCommand, target }: Recovery, socketDir: string): Promise<void> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: socketDir,
    port: String(PORT),
    hot_standby: 'off',
    synchronous_standby_names: '',
    // The new timeline is archived by the next start.
    archive_mode: 'on',
    archive_command: '',
    restore_command: restoreCommand,
    recovery_target_action: 'promote',
    lc_messages: 'C',
    ...target,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`);
  const files = {
    'eco.conf': lines.join(''),
    'pg_hba.conf': 'local  all  postgres  trust\n',
    'recovery.signal': '',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(nodeDir, name);
    await writeSecretFile(file, text);
    giveTo(account, file);
  }
  // What a failover has set on the node was true of the nodes of then.
  const file = path.join(nodeDir, 'postgresql.auto.conf');
  const kept = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => !/^(primary_conninfo|synchronous_standby_names) /.test(line));
  await replaceSecretFile(file, kept.join('\n'));
}

/** Waits until the server accepts connections, however long the log is. False: it has ended. */
async function isReplayed(recovery: Recovery, connection: SideConnection): Promise<boolean> {
  for (;;) {
    try {
      await connection.ask('SELECT', [], ANSWER_MS);
      return true;
    } catch (error) {
      const isStarting = isInClass((error as { code?: string }).code, SQLSTATE_CLASS.serverAway);
      if (!isStarting && !(await isRunning(recovery))) return false;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

function isRunning(recovery: Recovery): Promise<boolean> {
  return control(recovery, ['status']).then(
    () => true,
    () => false,
  );
}

async function control({ postgresDir, account, nodeDir }: Recovery, args: readonly string[]): Promise<void> {
  const [file, all] = commandAs(account, path.join(postgresDir, 'pg_ctl'), [...args, `--pgdata=${nodeDir}`]);
  await promisify(execFile)(file, all, { cwd: '/' });
}

/** The reason why the server ended, from its log. */
function fatalIn(log: string): string {
  const lines = log.split('\n').filter((line) => /(FATAL|PANIC): /.test(line));
  return lines.at(-1)?.replace(/^.*(FATAL|PANIC): +/, '') ?? 'PostgreSQL did not start';
}
