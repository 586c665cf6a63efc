import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Mails of sign-up and password reset (docs/decisions/0072). A row has the only copy of the address until the code is
 * used or has expired, and is then removed.
 */
const tables = `
CREATE TABLE identity.mail (
  -- Of a sign-up it becomes the customer id.
  mail_id     uuid PRIMARY KEY,
  purpose     text NOT NULL CHECK (purpose IN ('confirm-address', 'address-in-use', 'reset-password')),
  email       text NOT NULL,
  account_id  uuid REFERENCES identity.account CHECK ((account_id IS NULL) = (purpose = 'confirm-address')),
  -- SHA-256 of the codes that were sent. A mail may be sent twice, and each sending has a code of its own.
  code_hashes bytea[] NOT NULL DEFAULT '{}',
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  sent_at     timestamptz,
  tries       integer NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, vacuum_truncate = off);
CREATE INDEX mail_due ON identity.mail (next_try_at) WHERE sent_at IS NULL;
CREATE INDEX mail_expires ON identity.mail (expires_at);
`;

const grants = `
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.mail TO eco_identity;
`;

export class SignUp1796100000210 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
