import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A checkout takes out of a cart exactly the items that it ordered, each by its row: `order_id` is the order that took it,
 * `ordered_stamp` the stamp of the checkout. Null: no order took it. So an edit that the checkout did not see lives on,
 * and one that came too late says which order has its product.
 *
 * Checkouts before this one wrote `cleared_stamp` as a clear does, and go on counting as a clear.
 */
const tables = `
ALTER TABLE eco.cart_item
  ADD COLUMN order_id uuid,
  ADD COLUMN ordered_stamp text;
`;

export class OrderedCartItems1796000000600 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(tables);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
