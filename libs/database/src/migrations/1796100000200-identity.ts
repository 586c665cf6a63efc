import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Accounts, sessions and failed log-ins (docs/decisions/0072, 0073). The role `eco_identity` alone reads and writes
 * them; `eco_reader` sees which sessions were revoked, and nothing else. An e-mail address is stored here as a hash.
 */
const tables = `
CREATE TABLE identity.account (
  account_id    uuid PRIMARY KEY,
  -- SHA-256 of the log-in name or e-mail address in lower case.
  login_hash    bytea NOT NULL UNIQUE CHECK (octet_length(login_hash) = 32),
  -- Null for a customer, who logs in with an e-mail address: only eco.customer holds it.
  login         text CHECK ((login IS NULL) = (role = 'customer')),
  role          text NOT NULL,
  branch_id     text CHECK ((branch_id IS NULL) = (role NOT IN ('branch-manager', 'cashier'))),
  customer_id   text UNIQUE CHECK ((customer_id IS NULL) = (role <> 'customer')),
  scopes        text[] NOT NULL,
  -- Null: nobody can log in until a password is set.
  password_hash text,
  created_at    timestamptz NOT NULL DEFAULT now(),
  disabled_at   timestamptz
) WITH (vacuum_truncate = off);

CREATE TABLE identity.session (
  session_id    uuid PRIMARY KEY,
  account_id    uuid NOT NULL REFERENCES identity.account,
  -- The refresh tokens; null for a program, which has none.
  family_hash   text UNIQUE,
  token_hash    text,
  used_hash     text,
  successor_key text,
  used_at       timestamptz,
  created_at    timestamptz NOT NULL DEFAULT now(),
  -- Until the refresh token must be used.
  idle_until    timestamptz NOT NULL,
  ends_at       timestamptz NOT NULL,
  revoked_at    timestamptz
) WITH (fillfactor = 80, vacuum_truncate = off);
CREATE INDEX session_account ON identity.session (account_id);
CREATE INDEX session_idle ON identity.session (idle_until);
CREATE INDEX session_revoked ON identity.session (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE VIEW identity.revoked_session AS
  SELECT session_id, revoked_at FROM identity.session WHERE revoked_at IS NOT NULL;

CREATE TABLE identity.attempt (
  -- SHA-256 of an account's log-in name, or of a network address.
  subject   bytea PRIMARY KEY,
  failed_at timestamptz[] NOT NULL,
  last_at   timestamptz NOT NULL
) WITH (fillfactor = 50, vacuum_truncate = off);
CREATE INDEX attempt_last ON identity.attempt (last_at);
`;

const functions = `
-- A statement of its own, with a snapshot of its own: after an UPDATE of the account has waited for the row lock of a
-- log-in, it sees the session which that log-in began.
CREATE FUNCTION identity.end_sessions(account uuid, except_session uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE identity.session SET revoked_at = now()
  WHERE account_id = account AND revoked_at IS NULL AND session_id IS DISTINCT FROM except_session;
END $$;
`;

const grants = `
REVOKE ALL ON FUNCTION identity.end_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.end_sessions TO eco_identity;
GRANT USAGE ON SCHEMA identity TO eco_identity, eco_reader;
GRANT SELECT, INSERT, UPDATE ON identity.account TO eco_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.session, identity.attempt TO eco_identity;
GRANT SELECT ON identity.revoked_session TO eco_reader;
`;

export class Identity1796100000200 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, functions, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
