import { compareBatchPositions, formatPosition, parsePosition, positionIn, positionOf } from '@eco/routing';
import type { BatchPosition, Position } from '@eco/routing';
import { Refused } from '../refused.js';
import type { Backup, GroupBackups } from './backups.js';

/** The last moment that a restore keeps: a time, a position of each group, or everything that is archived. */
export type RestoreTarget =
  | { readonly type: 'end' }
  | { readonly type: 'time'; readonly at: Date }
  | { readonly type: 'position'; readonly position: Position };

/** The same for one group. */
export type GroupTarget =
  Exclude<RestoreTarget, { type: 'position' }> | ({ readonly type: 'position' } & { readonly at: BatchPosition });

/** Reads the text of `--to`. Throws a `Refused`. */
export function targetOf(text: string): RestoreTarget {
  if (text === 'end') return { type: 'end' };
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) {
    return { type: 'time', at: new Date(text) };
  }
  const parsed = parsePosition(text);
  if (parsed.ok && parsed.position.groups.length > 0) return { type: 'position', position: parsed.position };
  throw new Refused(
    `--to must be "end", a time with its zone such as 2026-11-29T03:00:00Z, or a position such as ` +
      `g1=1.e046e033.1234, not ${JSON.stringify(text)}`,
  );
}

export function targetFor(groupId: string, target: RestoreTarget): GroupTarget {
  if (target.type !== 'position') return target;
  const at = positionIn(target.position, groupId);
  if (at === undefined) throw new Refused(`the position names no batch of group ${groupId}, which has backups, too`);
  return { type: 'position', at };
}

/** The last backup from which the target can be reached, or the one with this label. Throws a `Refused`. */
export function backupFor(
  { groupId, backups }: Pick<GroupBackups, 'groupId' | 'backups'>,
  target: GroupTarget,
  label?: string,
): Backup {
  if (label !== undefined) {
    const named = backups.find((each) => each.label === label);
    if (named !== undefined) return named;
    throw new Refused(`group ${groupId} has no backup ${label}: see "npx eco backups"`);
  }
  const found = backups.filter((each) => isBefore(each, target)).at(-1);
  if (found !== undefined) return found;
  const first = backups[0];
  if (first === undefined) throw new Refused(`group ${groupId} has no backup, so nothing can be restored`);
  const position = first.position && ` and ${formatPosition(positionOf([first.position]))}`;
  throw new Refused(
    `the first backup of group ${groupId} is later: choose a point from ${first.endedAt.toISOString()}${position ?? ''} on`,
  );
}

function isBefore({ endedAt, position }: Backup, target: GroupTarget): boolean {
  switch (target.type) {
    case 'end':
      return true;
    case 'time':
      return endedAt.getTime() <= target.at.getTime();
    case 'position':
      // A batch keeps its number when a restore begins another term, so both must be earlier.
      return position !== undefined && compareBatchPositions(position, target.at) <= 0 && position.seq <= target.at.seq;
  }
}
