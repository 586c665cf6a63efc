import { keyLists, nouns, rowLists, stateParts } from './nouns.js';
import type { RowList } from './noun.js';

const all = Object.values(nouns);

it('gives each list and part of the state to one noun', () => {
  const names = (part: 'keys' | 'state' | 'rows') => all.flatMap((noun) => Object.keys(noun[part]));
  expect(names('keys')).toEqual(Object.keys(keyLists));
  expect(names('state')).toEqual(Object.keys(stateParts));
  expect(names('rows')).toEqual(Object.keys(rowLists));
});

it('updates and deletes rows of a list that inserts or upserts them', () => {
  const lists = rowLists as Record<string, RowList<never>>;
  for (const { stores, of } of Object.values(lists)) {
    const target = of === undefined ? undefined : lists[of]?.stores;
    expect(['insert', 'upsert'].includes(stores) ? [undefined] : ['insert', 'upsert']).toContain(target);
  }
});
