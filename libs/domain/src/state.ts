import type { GroupPosition } from '@eco/routing';
import { keyLists, mapValues, stateParts, type KeyLists, type StateParts } from './nouns.js';

/** Keys that the commands of a batch touch. The batch must load them. Lists have no duplicates. */
export type NeededKeys = { [List in keyof KeyLists]: string[] };

/** The keys of a batch while they are collected. */
export type KeySets = { [List in keyof KeyLists]: Set<string> };

/** Keys of stored data for which this batch's load had no room. */
export type KeysLeftOut = { readonly [List in LimitedList]: ReadonlySet<string> };

type LimitedList = { [List in keyof KeyLists]: KeyLists[List] extends 'what-fits' ? List : never }[keyof KeyLists];

/** The lists of keys whose load has a limit. */
export const limitedLists = (Object.keys(keyLists) as (keyof KeyLists)[]).filter(
  (list): list is LimitedList => keyLists[list] === 'what-fits',
);

/** No keys are left out. */
export function noKeysLeftOut(): { [List in LimitedList]: Set<string> } {
  return Object.fromEntries(limitedLists.map((list) => [list, new Set()])) as { [List in LimitedList]: Set<string> };
}

/** Stored data that a decision may use, while it is loaded. */
export type LoadedParts = { readonly [Part in keyof StateParts]: ReturnType<StateParts[Part]> };

type ReadonlyParts = { readonly [Part in keyof LoadedParts]: ReadonlyOf<LoadedParts[Part]> };
type ReadonlyOf<Part> =
  Part extends Map<infer Key, infer Value>
    ? ReadonlyMap<Key, Value>
    : Part extends Set<infer Key>
      ? ReadonlySet<Key>
      : never;

/** Everything a decision may use, read after the fence in the same transaction. */
export interface BatchState extends ReadonlyParts {
  /** The batch's own position, as set by the fence. */
  position: GroupPosition;
  /** The group's clock for this batch: `group_state.at`, ISO 8601. */
  at: string;
  /** Fixed number of buckets of the chain. */
  buckets: number;
  ownedBuckets: ReadonlySet<number>;
}

export function noKeys(): KeySets {
  return mapValues(keyLists, () => new Set()) as KeySets;
}

export function noParts(): LoadedParts {
  return mapValues(stateParts, (empty) => empty()) as LoadedParts;
}
