import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ledgerOfOrders, lines } from './1796000000500-statistics.js';

/** Changes of sales that statistics have not reached yet. */
const later = (type: string, id: string) => `
  SELECT FROM statistics.reached r JOIN eco.outcome u ON u.topic = 'sales' AND (u.seq, u.n) > (r.seq, r.n)
  WHERE r.topic = 'sales' AND u.change_type = '${type}' AND (u.change_data ->> '${id}')::uuid`;

/**
 * Statistics count the sales of branches, too: a sale as an order, its void as a cancellation, each on its day by the
 * branch's clock. A branch may be offline for days, so the day of the decision says nothing about a sale. A sale may have
 * two lines of one product. A return of units does not name the units that are left, so it counts units and cents only.
 */
export const ledgerWithSales = `
CREATE OR REPLACE VIEW statistics.ledger AS
${ledgerOfOrders}
UNION ALL
SELECT s.group_id, s.kind, s.at, s.branch_id, l.product_id, l.quantity, l.quantity * l.cents,
       row_number() OVER (PARTITION BY s.kind, s.sale_id, l.product_id ORDER BY l.n) = 1, l.n = 1
FROM (
  SELECT r.group_id, 'sold' AS kind, v.sold_at AS at, v.branch_id, v.sale_id, v.lines
  FROM statistics.reached r CROSS JOIN eco.sale v
  WHERE r.topic = 'sales' AND NOT EXISTS (${later('sale.recorded', 'saleId')} = v.sale_id)
  UNION ALL
  SELECT r.group_id, 'cancelled', v.voided_at, v.branch_id, v.sale_id, v.lines
  FROM statistics.reached r CROSS JOIN eco.sale v
  WHERE r.topic = 'sales' AND v.voided_at IS NOT NULL AND NOT EXISTS (${later('sale.voided', 'saleId')} = v.sale_id)
) s
CROSS JOIN LATERAL ROWS FROM (${lines('s.lines')}) WITH ORDINALITY AS l (product_id, quantity, cents, n)
UNION ALL
SELECT r.group_id, 'returned', b.returned_at, b.branch_id, l.product_id, l.quantity, l.quantity * l.cents, false, false
FROM statistics.reached r
CROSS JOIN eco.sale_return b
CROSS JOIN LATERAL ROWS FROM (${lines('b.lines')}) AS l (product_id, quantity, cents)
WHERE r.topic = 'sales' AND NOT EXISTS (${later('sale.returned', 'returnId')} = b.return_id);
`;

export class SaleStatistics1796200000010 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(ledgerWithSales);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
