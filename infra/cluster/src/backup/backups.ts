import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { parsePosition, positionIn, type GroupPosition } from '@eco/routing';
import { z } from 'zod';
import { accountFor } from '../native/account.js';
import { runPgbackrest } from './pgbackrest.js';
import { checkRepository, selection } from './repository.js';

/** A backup of a group. Its data can be restored to any later point for which the repository has the log. */
export interface Backup {
  /** Name of the backup in the repository. */
  readonly label: string;
  /** `diff`: what has changed since the full backup on which it is based. */
  readonly kind: 'full' | 'diff' | 'incr';
  readonly startedAt: Date;
  /** Earliest time that can be restored from it. */
  readonly endedAt: Date;
  /** Earliest position that is certain to be restorable from it. Undefined: `eco backup` ended before it was stored. */
  readonly position: GroupPosition | undefined;
  /** First segment of log that a restore from it needs. */
  readonly firstSegment: string;
  /** Size of the data, bytes. */
  readonly dataBytes: number;
  /** What the backup takes in the repository, without those on which it is based, bytes. */
  readonly storedBytes: number;
}

/** The backups of a group, the oldest first, and the log after them. */
export interface GroupBackups {
  readonly groupId: string;
  readonly backups: readonly Backup[];
  /** Last segment of log in the repository. Undefined: it has none. */
  readonly lastSegment: string | undefined;
  /** Time at which it was stored: the latest time that can be restored. Undefined: the store is no folder of this machine. */
  readonly archivedAt: Date | undefined;
}

export const POSITION_NOTE = 'position';

const infoSchema = z.array(
  z.object({
    name: z.string(),
    archive: z.array(z.object({ id: z.string(), max: z.string().nullable() })).default([]),
    backup: z
      .array(
        z.object({
          label: z.string(),
          type: z.enum(['full', 'diff', 'incr']),
          error: z.boolean().nullish(),
          annotation: z.record(z.string(), z.string()).nullish(),
          timestamp: z.object({ start: z.number(), stop: z.number() }),
          archive: z.object({ start: z.string() }),
          info: z.object({ size: z.number(), repository: z.object({ delta: z.number().default(0) }) }),
        }),
      )
      .default([]),
  }),
);

/** Reads the output of `pgbackrest info --output=json`. */
export function backupsIn(text: string): Omit<GroupBackups, 'archivedAt'>[] {
  return infoSchema.parse(JSON.parse(text)).map(({ name, archive, backup }) => ({
    groupId: name,
    lastSegment: archive.at(-1)?.max ?? undefined,
    backups: backup.map(({ label, type, timestamp, archive: { start: firstSegment }, info, annotation }) => ({
      label,
      kind: type,
      startedAt: new Date(timestamp.start * 1000),
      endedAt: new Date(timestamp.stop * 1000),
      position: positionOf(name, annotation?.[POSITION_NOTE]),
      firstSegment,
      dataBytes: info.size,
      storedBytes: info.repository.delta,
    })),
  }));
}

function positionOf(groupId: string, text: string | undefined): GroupPosition | undefined {
  const parsed = text === undefined ? undefined : parsePosition(text);
  return parsed?.ok ? positionIn(parsed.position, groupId) : undefined;
}

/** The backups of each group in a repository. Nothing needs to run. Throws a `Refused` if the folder has none. */
export async function readBackups(program: string, dir: string): Promise<GroupBackups[]> {
  await checkRepository(dir);
  const [configuration] = selection(dir, '');
  const selected = configuration === undefined ? [] : [configuration];
  const text = await runPgbackrest({
    program,
    account: accountFor(dir),
    selected,
    command: 'info',
    args: ['--output=json'],
  });
  return Promise.all(
    backupsIn(text).map(async (group) => ({ ...group, archivedAt: await archivedAt(dir, group.groupId) })),
  );
}

/** When the newest file of a group's log was stored. Its folders are named after timeline and segment. */
async function archivedAt(dir: string, groupId: string): Promise<Date | undefined> {
  const archive = path.join(dir, 'archive', groupId);
  const entries = await readdir(archive, { recursive: true, withFileTypes: true }).catch(() => []);
  const segments = entries.filter((entry) => entry.isFile() && /^[0-9A-F]{24}-/.test(entry.name));
  const last = segments
    .map(({ name, parentPath }) => path.join(parentPath, name))
    .sort((a, b) => (path.basename(a) < path.basename(b) ? 1 : -1))[0];
  return last === undefined ? undefined : (await stat(last)).mtime;
}
