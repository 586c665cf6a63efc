import type { Native } from '../native/native.js';
import type { DatabaseNode } from '../layout.js';
import { accountFor } from '../native/account.js';
import { Refused } from '../refused.js';
import { withPassword } from './back-up.js';
import { runPgbackrest } from './pgbackrest.js';
import { archiveCommand, nodeFolder, openRepository, selection, writeNodeConfiguration } from './repository.js';

/** A node whose log is archived while it is the primary. */
export interface Archive {
  readonly groupId: string;
  readonly node: DatabaseNode;
  /** Folder of the node's data. */
  readonly nodeDir: string;
}

/** Prepares a node for archiving. Returns its archive_command; undefined: the description names no folder of backups. */
export async function archiveOf(native: Native, archive: Archive): Promise<string | undefined> {
  const { description, programs, account, dataDir } = native;
  const { backupsDir } = description;
  if (backupsDir === undefined || programs.pgbackrest === undefined) return undefined;
  await openRepository(backupsDir, account);
  if (prefixOf(accountFor(backupsDir)) !== prefixOf(account)) {
    throw new Refused(
      `PostgreSQL's user can't reach ${backupsDir}: choose a folder that everybody may pass through by --backups DIR`,
    );
  }
  await writeNodeConfiguration({ dataDir, account, ...archive });
  return archiveCommand(programs.pgbackrest, backupsDir, archive.groupId, nodeFolder(dataDir, archive.node));
}

/** Creates the group's stanza, or checks that it is of this group. The primary must run. Throws a `BackupError`. */
export async function prepareArchive(native: Native, { groupId, node }: Archive): Promise<void> {
  const { description, programs, account, dataDir, secrets, signal } = native;
  const { backupsDir } = description;
  if (backupsDir === undefined || programs.pgbackrest === undefined) return;
  const { pgbackrest: program } = programs;
  const selected = selection(backupsDir, groupId, nodeFolder(dataDir, node));
  await withPassword({ dataDir, node, account, secrets }, (environment) =>
    runPgbackrest({ program, account, selected, command: 'stanza-create', environment, signal }),
  );
}

function prefixOf(account: ReturnType<typeof accountFor>): string {
  return account.type === 'postgres' ? account.prefix.join(' ') : '';
}
