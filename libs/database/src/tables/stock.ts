import { CENTRAL, type MovementKind } from '@eco/contracts';
import {
  levelKey,
  rowLists,
  type BatchState,
  type Effects,
  type LevelRow,
  type LoadedParts,
  type RowList,
  type RowLists,
  type RowOf,
  type StockLevel,
} from '@eco/domain';
import { arrayOf, bigint, integer, nullable, smallint, text, uuid, word } from './columns.js';
import { loadBy } from './load.js';
import { insertInto, storing, updateOf } from './store.js';
import { defineTable, select, type ListRow } from './table.js';
import type { TablesOf } from './tables-of.js';

export const levelTable = defineTable({
  name: 'eco.stock_level',
  rows: 'levels',
  columns: {
    productId: text('product_id'),
    location: text('location'),
    onHand: bigint('on_hand'),
    reserved: bigint('reserved'),
    sequence: bigint('sequence'),
    bucket: smallint('bucket'),
  },
});

/** A row has all movements of a level in a batch: the last one in its columns, the earlier ones in arrays. */
const movementTable = defineTable({
  name: 'eco.movement_row',
  rows: 'movements',
  view: 'eco.movement',
  insertedAt: 'at',
  columns: {
    productId: text('product_id'),
    location: text('location'),
    sequence: bigint('sequence'),
    onHandDelta: bigint('on_hand_delta'),
    reservedDelta: bigint('reserved_delta'),
    onHand: bigint('on_hand'),
    reserved: bigint('reserved'),
    n: integer('n'),
    bucket: smallint('bucket'),
    movement: word<MovementKind>('movement'),
    commandId: uuid('command_id'),
    // Null: there are no earlier ones.
    earlierCommands: nullable(arrayOf(uuid('earlier_commands'))),
    earlierMovements: nullable(arrayOf(word<MovementKind>('earlier_movements'))),
    earlierOnHandDeltas: nullable(arrayOf(bigint('earlier_on_hand_deltas'))),
    earlierReservedDeltas: nullable(arrayOf(bigint('earlier_reserved_deltas'))),
  },
});

type Movement = RowOf<RowLists['movements']>;

interface StoredMovement extends Movement {
  earlierCommands: readonly string[] | null;
  earlierMovements: readonly MovementKind[] | null;
  earlierOnHandDeltas: readonly number[] | null;
  earlierReservedDeltas: readonly number[] | null;
}

/** One row for each level. The movements of a level follow each other in a batch. */
function movementsByLevel({ movements }: Effects): StoredMovement[] {
  const rows: StoredMovement[] = [];
  let from = 0;
  movements.forEach((movement, index) => {
    const next = movements[index + 1];
    if (next?.productId === movement.productId && next.location === movement.location) return;
    rows.push(rowOf(movement, movements.slice(from, index)));
    from = index + 1;
  });
  return rows;
}

function rowOf(last: Movement, earlier: readonly Movement[]): StoredMovement {
  const all = <Value>(pick: (movement: Movement) => Value) => (earlier.length === 0 ? null : earlier.map(pick));
  return {
    ...last,
    earlierCommands: all(({ commandId }) => commandId),
    earlierMovements: all(({ movement }) => movement),
    earlierOnHandDeltas: all(({ onHandDelta }) => onHandDelta),
    earlierReservedDeltas: all(({ reservedDelta }) => reservedDelta),
  };
}

const isNew = ({ productId, location }: LevelRow, { levels }: BatchState) => !levels.has(levelKey(productId, location));

export const stock: TablesOf<'stock'> = {
  tables: [movementTable, levelTable],
  stores: {
    movements: [
      storing(
        insertInto('store movements', movementTable, rowLists.movements as RowList<StoredMovement>),
        movementsByLevel,
      ),
    ],
    // Levels are most of a batch. An UPDATE costs half as much as INSERT … ON CONFLICT, which locks each row before it
    // updates it.
    levels: [
      storing(insertInto('store new levels', levelTable, rowLists.levels), ({ levels }, state) =>
        levels.filter((level) => isNew(level, state)),
      ),
      storing(
        updateOf('store levels', levelTable, rowLists.levels, {
          fields: ['productId', 'location', 'onHand', 'reserved', 'sequence'],
        }),
        ({ levels }, state) => levels.filter((level) => !isNew(level, state)),
      ),
    ],
  },
  load: loadBy(
    'load levels',
    levelTable,
    'productId',
    'stockProductIds',
    ['productId', 'location', 'onHand', 'reserved', 'sequence'],
    (level, state) => state.levels.set(levelKey(level.productId, level.location), level),
  ),
};

export function takeCentralLevel(
  productId: string,
  level: Pick<StockLevel, 'onHand' | 'reserved' | 'sequence'>,
  { levels }: LoadedParts,
): void {
  levels.set(levelKey(productId, CENTRAL), { productId, location: CENTRAL, ...level });
}

/*
 * An order or reservation is one row that contains its lines once: 200 lines are 18 kB; a copy per line was 4 MB. The
 * levels of all products are separate rows of the same answer, each once. LIMIT 1 keeps the planner from a join: it
 * can't know how many keys there are, and a scan of a large table takes seconds. An order beyond the batch's limit of
 * lines comes without its lines.
 */
export const heldLevel = select(levelTable, 'productId', 'onHand', 'reserved', 'sequence');

export function levelsOfLines(found: string, status: string): string {
  return `
SELECT ${heldLevel.list('l')}
FROM (
  SELECT DISTINCT line ->> 'productId' AS product_id
  FROM ${found} f CROSS JOIN LATERAL jsonb_array_elements(f.lines) AS line
  WHERE f.fits AND f.status = '${status}'
) p
CROSS JOIN LATERAL (
  SELECT ${heldLevel.list('s')}
  FROM ${levelTable.name} s WHERE s.product_id = p.product_id AND s.location = '${CENTRAL}'
  LIMIT 1
) l`;
}

export function takeHeldLevel(row: ListRow, from: number, state: LoadedParts): void {
  const { productId, ...level } = heldLevel.read(row, from);
  takeCentralLevel(productId, level, state);
}
