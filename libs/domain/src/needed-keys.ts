import { rulesOf } from './kinds.js';
import type { Arrived } from './effects.js';
import { mapValues } from './nouns.js';
import { limitedLists, noKeys, type KeySets, type KeysLeftOut, type NeededKeys } from './state.js';

/**
 * Keys of the data that must be loaded to decide these commands: outcomes and dead letters by command id, and the data
 * that each kind's rules read.
 */
export function neededKeys(arrived: readonly Arrived[]): NeededKeys {
  const keys = noKeys();
  for (const one of arrived) addKeys(one, keys);
  return mapValues(keys, (list) => [...list]);
}

/**
 * The commands that can be decided from a partial load. Each queue ends before its first command that needs missing
 * data, so that no command overtakes another.
 */
export function decidable<T extends { readonly arrived: Arrived; readonly queue: string }>(
  taken: readonly T[],
  leftOut: KeysLeftOut,
): readonly T[] {
  const missing = limitedLists.filter((list) => leftOut[list].size > 0);
  if (missing.length === 0) return taken;
  const ended = new Set<string>();
  return taken.filter(({ arrived, queue }) => {
    if (ended.has(queue)) return false;
    const keys = noKeys();
    addKeys(arrived, keys);
    if (missing.every((list) => [...keys[list]].every((key) => !leftOut[list].has(key)))) return true;
    ended.add(queue);
    return false;
  });
}

/** Number of lines that a command states; at least 1. */
export function linesIn(one: Arrived): number {
  return one.readable && 'lines' in one.command.body ? Math.max(1, one.command.body.lines.length) : 1;
}

function addKeys(one: Arrived, keys: KeySets): void {
  if (one.readable) {
    keys.commandIds.add(one.command.id);
    for (const id of one.command.formerIds ?? []) keys.commandIds.add(id);
    rulesOf(one.command).need(one.command, keys);
  } else keys.commandIds.add(one.commandId);
}
