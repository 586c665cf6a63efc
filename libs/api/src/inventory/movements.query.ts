import type { z } from 'zod';
import type { MovementKind, stockMovementSchema } from '@eco/contracts';
import { MOVEMENTS_OF_ROW, query } from '@eco/reads';
import { owned } from '../owned.js';
import { IS_PRODUCT, type IsProduct } from './product-stock.query.js';

type Movement = z.infer<typeof stockMovementSchema>;

interface MovementRow {
  product_id: string;
  location: string;
  sequence: number;
  at: Date;
  command_id: string;
  movement: MovementKind;
  on_hand_delta: number;
  reserved_delta: number;
  on_hand: number;
  reserved: number;
}

const OF_LEVEL = 'm.product_id = $1 AND m.location = $2';

/**
 * Number of the level's last movement before an instant; 0: there is none. The times of a level's movements never
 * decrease, so the primary key is searched by halving: 20 probes among a million rows. An index on the times would be
 * written with every order.
 */
const lastBefore = (instant: string) => `(
      WITH RECURSIVE search AS (
        SELECT CASE ${instant} WHEN 'infinity' THEN level.last ELSE 0 END AS low,
               CASE ${instant} WHEN '-infinity' THEN 0 ELSE level.last END AS high
        FROM (SELECT coalesce(max(m.sequence), 0) AS last FROM eco.movement_row m WHERE ${OF_LEVEL}) level
        UNION ALL
        SELECT CASE WHEN probe.at < ${instant} THEN probe.sequence ELSE s.low END,
               CASE WHEN probe.at < ${instant} THEN s.high ELSE (s.low + s.high) / 2 END
        FROM search s LEFT JOIN LATERAL (
          SELECT m.sequence, m.at FROM eco.movement_row m WHERE ${OF_LEVEL} AND m.sequence > (s.low + s.high) / 2
          ORDER BY m.sequence LIMIT 1
        ) probe ON true
        WHERE s.low < s.high
      )
      SELECT max(s.low) FROM search s)`;

/**
 * Newest first. $1 product, $2 location, $3 the movement to begin before, $4 limit, $5 and $6 the period. Uses the primary
 * key. A row has several movements, so the first one may be that of the movement $3, with earlier ones.
 */
export const movementsQuery = query<MovementRow, IsProduct>({
  name: 'movements',
  rows: `
    SELECT m.product_id, m.location, (m.sequence - c.back)::float8 AS sequence, m.at, c.command_id, c.movement,
           c.on_hand_delta::float8 AS on_hand_delta, c.reserved_delta::float8 AS reserved_delta,
           c.on_hand::float8 AS on_hand, c.reserved::float8 AS reserved
    FROM (
      SELECT m.* FROM eco.movement_row m
      WHERE ${OF_LEVEL} AND ${owned('m')}
        AND m.sequence > ${lastBefore('$5::timestamptz')}
        AND m.sequence <= ${lastBefore('$6::timestamptz')}
        AND m.sequence <= (
          SELECT coalesce(min(m.sequence), $3::bigint) FROM eco.movement_row m WHERE ${OF_LEVEL} AND m.sequence >= $3::bigint)
      ORDER BY m.sequence DESC LIMIT $4::integer + 1
    ) m
    CROSS JOIN LATERAL (${MOVEMENTS_OF_ROW}) c
    WHERE m.sequence - c.back < $3::bigint
    ORDER BY m.sequence DESC, c.back LIMIT $4`,
  order: 'r.sequence DESC',
  extra: IS_PRODUCT,
});

export function movementOf(row: MovementRow): Movement {
  return {
    productId: row.product_id,
    location: row.location,
    sequence: row.sequence,
    at: row.at.toISOString(),
    movement: row.movement,
    onHandDelta: row.on_hand_delta,
    reservedDelta: row.reserved_delta,
    onHand: row.on_hand,
    reserved: row.reserved,
    commandId: row.command_id,
  };
}
