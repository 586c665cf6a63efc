import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Refused } from '../refused.js';

/** The name of each node of a group that has data, and the folder of its data. */
export type DataFolders = ReadonlyMap<string, string>;

/**
 * Finds the node that is no replica. Undefined: no node has data. A failover that was interrupted leaves the old primary
 * as it was; the new one has the higher timeline (R7). `where` names the group in the message of a `Refused`.
 */
export async function primaryAmong(folders: DataFolders, where: string): Promise<string | undefined> {
  if (folders.size === 0) return undefined;
  const timelines = new Map<string, number>();
  for (const [name, dir] of folders) if (!(await isReplica(dir))) timelines.set(name, await timelineOf(dir));
  if (timelines.size === 0) {
    throw new Refused(
      `${where} has no primary, only its replicas ${[...folders.keys()].join(', ')}: put back the folder of the primary, or promote the replica that has most (docs/operations.md: The folder of the primary is gone)`,
    );
  }
  const last = Math.max(...timelines.values());
  const [name, ...others] = [...timelines.keys()].filter((each) => timelines.get(each) === last);
  if (others.length > 0) {
    throw new Refused(`${where} has more than one primary (${[name, ...others].join(', ')}): remove the older folder`);
  }
  return name;
}

/** Names of the folders in a folder. */
export async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function isReplica(dir: string): Promise<boolean> {
  return exists(path.join(dir, 'standby.signal'));
}

/** The last timeline that a stopped node knows, by the names of its log files. */
async function timelineOf(dir: string): Promise<number> {
  const names = await readdir(path.join(dir, 'pg_wal'));
  return Math.max(
    0,
    ...names.filter((name) => /^[0-9A-F]{8}/.test(name)).map((name) => parseInt(name.slice(0, 8), 16)),
  );
}
