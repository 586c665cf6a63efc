import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A customer may have a limited number of open reservations, so each new one counts them. */
const up = `
CREATE INDEX reservation_open ON eco.reservation (customer_id) WHERE status = 'held';
`;

export class OpenReservations1796100000300 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(up);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
