/**
 * The movements of a row `m` of eco.movement_row, each with the level after it: the last one, which is in the columns, and
 * the earlier ones. `back`: by how many the movement precedes the last one.
 */
export const MOVEMENTS_OF_ROW = `
  SELECT 0::bigint AS back, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved, m.movement, m.command_id
  UNION ALL
  SELECT e.back, e.on_hand_delta, e.reserved_delta, e.on_hand, e.reserved, e.movement, e.command_id
  FROM eco.earlier_movements(m) e WHERE m.earlier_commands IS NOT NULL`;
