import { levelKey, mapValues, rowLists, type BatchState, type Effects, type RowLists } from '@eco/domain';
import { stores } from './tables.js';

const row = { productId: 'cafe', location: 'central', returned: [] };

/** The texts of the statements that store a row of this list. */
function textsOf(list: keyof RowLists): string[] {
  const effects = { ...mapValues(rowLists, () => []), [list]: [row] } as unknown as Effects;
  const levels = [[], [[levelKey(row.productId, row.location), row]]] as [string, typeof row][][];
  const states = levels.map((entries) => ({ levels: new Map(entries) }) as unknown as BatchState);
  const stored = states.flatMap((state) => stores.flatMap((store) => store(effects, state)));
  return [...new Set(stored.map(({ statement }) => statement.text))];
}

function verbsOf(text: string): string[] {
  return (text.match(/\b(INSERT|UPDATE|DELETE)\b/g) ?? []).map((verb) => verb.toLowerCase());
}

it.each(Object.keys(rowLists) as (keyof RowLists)[])('store %s as the domain’s list says', (list) => {
  const { stores: does } = rowLists[list];
  const verbs = [...new Set(textsOf(list).flatMap(verbsOf))];
  // New levels are inserted and known ones updated, by two statements.
  expect(verbs).toEqual(does === 'upsert' ? ['insert', 'update'] : [does]);
});
