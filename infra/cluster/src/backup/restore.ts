import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setPassword } from '@eco/database';
import type { SideConnection } from '@eco/postgres';
import { formatPosition, positionOf, type BatchPosition, type GroupPosition } from '@eco/routing';
import { beforeRestoreDir, openDataFolder } from '../data-folder.js';
import { accountFor, giveTo, type Account } from '../native/account.js';
import { endProcessesIn } from '../processes/folder-processes.js';
import { leftoversOf } from '../processes/leftovers.js';
import type { Programs } from '../programs.js';
import { Refused } from '../refused.js';
import { isRunning, readRun } from '../run-file.js';
import { openSecrets, type Secrets } from '../secrets.js';
import type { Say } from '../steps.js';
import { awaitBranches } from './await-branches.js';
import { readPosition } from './back-up.js';
import { readBackups, type Backup } from './backups.js';
import { findPosition } from './find-position.js';
import { runPgbackrest } from './pgbackrest.js';
import { recover, type Recovery, type RecoveryTarget } from './recover.js';
import { nodeFolder, restoreCommand, selection, writeNodeConfiguration } from './repository.js';
import { backupFor, targetFor, type GroupTarget, type RestoreTarget } from './restore-target.js';

export interface RestoreOptions {
  readonly programs: Pick<Programs, 'postgresDir'> & { readonly pgbackrest: string };
  /** Nothing runs in it. */
  readonly dataDir: string;
  readonly backupsDir: string;
  readonly target: RestoreTarget;
  /**
   * Branches that never report again. Units of theirs that the backup does not show are in the pool and are sold, so nobody
   * may sell at these branches any more.
   */
  readonly without?: readonly string[];
  /** Label of the backup to begin with. Absent: the last one before the target. */
  readonly from?: string | undefined;
  readonly say: Say;
}

interface Restored {
  readonly groupId: string;
  /** The last batch that was kept. */
  readonly position: GroupPosition;
  readonly backup: Backup;
}

export interface RestoreResult {
  readonly groups: readonly Restored[];
  /** Folder with the databases that were replaced. Undefined: there were none. */
  readonly formerDir: string | undefined;
}

/**
 * Restores the database of every group as it was at the target. Each becomes a primary on a timeline of its own; the next
 * start copies it to the replicas. The former databases are moved aside when all groups are restored. Throws a `Refused`
 * if something runs in the data folder, or if the target can't be reached.
 */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { programs, dataDir, backupsDir, target, from } = options;
  const groups = await readBackups(programs.pgbackrest, backupsDir);
  if (groups.length === 0) throw new Refused(`${backupsDir} has no group: nothing was backed up there`);
  const chosen = groups.map((group) => {
    const groupTarget = targetFor(group.groupId, target);
    return { groupId: group.groupId, target: groupTarget, backup: backupFor(group, groupTarget, from) };
  });
  refuseIfRunning(dataDir);
  await openDataFolder(dataDir);
  const account = accountFor(dataDir);
  const secrets = await openSecrets(dataDir);
  const restored: Restored[] = [];
  for (const each of chosen) {
    restored.push(await new GroupRestore(options, account, secrets, each.groupId).run(each.backup, each.target));
  }
  const formerDir = path.join(beforeRestoreDir(dataDir), new Date().toISOString().replaceAll(':', ''));
  for (const { groupId } of restored) await replace(dataDir, groupId, path.join(formerDir, groupId));
  return { groups: restored, formerDir: existsSync(formerDir) ? formerDir : undefined };
}

class GroupRestore {
  readonly #options: RestoreOptions;
  readonly #account: Account;
  readonly #secrets: Secrets;
  readonly #groupId: string;
  readonly #dir: string;

  constructor(options: RestoreOptions, account: Account, secrets: Secrets, groupId: string) {
    this.#options = options;
    this.#account = account;
    this.#secrets = secrets;
    this.#groupId = groupId;
    this.#dir = unfinishedDir(options.dataDir, groupId);
  }

  async run(backup: Backup, target: GroupTarget): Promise<Restored> {
    const { say } = this.#options;
    await this.#prepareFolder();
    say(`${this.#groupId}: reads backup ${backup.label}`);
    await this.#pgbackrest('restore', [`--set=${backup.label}`, '--type=none']);
    const recoveryTarget = await this.#recoveryTarget(backup, target);
    say(`${this.#groupId}: replays the log`);
    const position = await recover(this.#recoveryTo(recoveryTarget), (connection) => this.#begin(connection));
    if (target.type === 'position' && this.#textOf(position) !== this.#textOf(target.at)) {
      throw new Error(`the restore of ${this.#groupId} ended at ${this.#textOf(position)}`);
    }
    return { groupId: this.#groupId, position, backup };
  }

  /** Changes what must be different from then. Returns the last batch. */
  async #begin(connection: SideConnection): Promise<GroupPosition> {
    const { postgres: password } = this.#secrets.database;
    const superuser = { user: 'postgres', password: '' };
    await setPassword({ node: connection.node, superuser, role: 'postgres', password });
    await awaitBranches(connection, this.#options.without ?? []);
    return readPosition(connection);
  }

  #recoveryTo(target: RecoveryTarget): Recovery {
    const { programs, backupsDir } = this.#options;
    return {
      postgresDir: programs.postgresDir,
      account: this.#account,
      nodeDir: this.#dir,
      restoreCommand: restoreCommand(programs.pgbackrest, backupsDir, this.#groupId, this.#nodeFolder),
      target,
    };
  }

  #textOf({ term, tag, seq }: BatchPosition): string {
    return formatPosition(positionOf([{ group: this.#groupId, term, tag, seq }]));
  }

  async #prepareFolder(): Promise<void> {
    const { dataDir } = this.#options;
    const parent = path.dirname(this.#dir);
    for (const dir of [path.dirname(parent), parent]) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      giveTo(this.#account, dir);
    }
    // An interrupted restore may have left a server there.
    await endProcessesIn(this.#dir);
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { mode: 0o700 });
    giveTo(this.#account, this.#dir);
    await writeNodeConfiguration({
      dataDir,
      groupId: this.#groupId,
      node: { name: nodeOf(this.#groupId), port: 5432 },
      nodeDir: this.#dir,
      account: this.#account,
    });
  }

  async #recoveryTarget(backup: Backup, target: GroupTarget): Promise<RecoveryTarget> {
    switch (target.type) {
      case 'end':
        return { recovery_target_timeline: 'latest' };
      case 'time':
        return {
          recovery_target_timeline: 'latest',
          recovery_target_time: target.at.toISOString().replace('Z', '+00'),
        };
      case 'position': {
        const { pgbackrest, postgresDir } = this.#options.programs;
        const text = this.#textOf(target.at);
        this.#options.say(`${this.#groupId}: looks for ${text} in the log`);
        const log = {
          pgbackrest,
          postgresDir,
          account: this.#account,
          groupId: this.#groupId,
          selected: this.#selected,
        };
        const found = await findPosition(log, target.at, backup.firstSegment);
        if (found !== undefined) {
          return { recovery_target_timeline: String(found.timeline), recovery_target_xid: found.xid };
        }
        // The backup ended with this batch, which was stored before it began.
        if (backup.position !== undefined && this.#textOf(backup.position) === text) {
          return { recovery_target: 'immediate' };
        }
        throw new Refused(
          `the archived log does not have ${text}: see "npx eco backups" for the last log that is stored`,
        );
      }
    }
  }

  async #pgbackrest(command: string, args: readonly string[]): Promise<void> {
    const { pgbackrest: program } = this.#options.programs;
    await runPgbackrest({ program, account: this.#account, selected: this.#selected, command, args });
  }

  get #selected(): string[] {
    return selection(this.#options.backupsDir, this.#groupId, this.#nodeFolder);
  }

  get #nodeFolder(): string {
    return nodeFolder(this.#options.dataDir, { name: nodeOf(this.#groupId) });
  }
}

function refuseIfRunning(dataDir: string): void {
  const run = readRun(dataDir);
  if (run !== undefined && (isRunning(run) || leftoversOf(run).length > 0)) {
    throw new Refused(`something runs with the data folder ${dataDir}: stop it by "npm run down"`);
  }
}

/** Moves the group's nodes to `aside`, and gives the restored one its name. */
async function replace(dataDir: string, groupId: string, aside: string): Promise<void> {
  const unfinished = unfinishedDir(dataDir, groupId);
  const dir = path.dirname(unfinished);
  const entries = await readdir(dir, { withFileTypes: true });
  const nodes = entries.filter((entry) => entry.isDirectory() && entry.name !== path.basename(unfinished));
  if (nodes.length > 0) await mkdir(aside, { recursive: true, mode: 0o700 });
  for (const { name } of nodes) await rename(path.join(dir, name), path.join(aside, name));
  await rename(unfinished, nodeDir(dataDir, groupId));
}

/** The restored node is the first one of its group, as when the group was created. */
function nodeOf(groupId: string): string {
  return `${groupId}-1`;
}

function nodeDir(dataDir: string, groupId: string): string {
  return path.join(dataDir, 'postgres', groupId, nodeOf(groupId));
}

function unfinishedDir(dataDir: string, groupId: string): string {
  return `${nodeDir(dataDir, groupId)}.unfinished`;
}
