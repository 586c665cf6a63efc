import { consumerRoles, consumerSchemas, type ConsumerRole } from '@eco/contracts';
import { DATABASE_NAME } from '@eco/postgres';
import { scramVerifier } from './scram.js';

const serverRoles = [
  'eco_migrator',
  'eco_writer',
  'eco_reader',
  'eco_identity',
  'eco_replicator',
  'eco_monitor',
] as const;

/** The login roles, each with its own password. */
export type LoginRole = (typeof serverRoles)[number] | ConsumerRole;
export const loginRoles: readonly LoginRole[] = [...serverRoles, ...consumerRoles];

/**
 * Owns the one function that may drop and create replication slots. It can't log in. The writer calls this function, so
 * it needs no replication right, with which it could copy the whole server.
 */
const SLOT_ROLE = 'eco_slots';

/**
 * Roles belong to a whole server, so this runs before the database exists. `eco_owner` can't log in. A role that serves
 * requests owns no table that it writes, so it can neither change a table nor grant itself more. The statements may run
 * any number of times and set the passwords each time. Grants on tables are in the migrations, next to the tables.
 */
export function rolesSql(passwords: Readonly<Record<LoginRole, string>>): string {
  const names = ['eco_owner', SLOT_ROLE, ...loginRoles];
  return [
    ...names.map(
      (name) => `DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') THEN CREATE ROLE ${name}; END IF;
      END $$`,
    ),
    ...loginRoles.map((name) => {
      const replication = name === 'eco_replicator' ? 'REPLICATION' : 'NOREPLICATION';
      return `ALTER ROLE ${name} LOGIN ${replication} NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${scramVerifier(passwords[name])}'`;
    }),
    `ALTER ROLE ${SLOT_ROLE} NOLOGIN REPLICATION`,
    `GRANT eco_owner TO eco_migrator`,
    // The owner owns everything that a migration makes.
    `ALTER ROLE eco_migrator SET role = 'eco_owner'`,
    `GRANT pg_monitor TO eco_monitor`,
    // Needed to see the age of the oldest snapshot, and what the backend of a stalled predecessor waits for.
    `GRANT pg_read_all_stats TO eco_writer`,
    // No role may hold a snapshot for long: dead versions of hot rows accumulate behind it.
    ...loginRoles.map((name) => `ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '10s'`),
    ...['eco_reader', 'eco_monitor'].map((name) => `ALTER ROLE ${name} SET statement_timeout = '5s'`),
    ...['eco_reader', 'eco_monitor'].map((name) => `ALTER ROLE ${name} SET default_transaction_read_only = on`),
    // A migration may be long, but other statements must not queue behind a lock that it waits for.
    `ALTER ROLE eco_migrator SET lock_timeout = '10s'`,
    // A log-in waits for 3 s.
    `ALTER ROLE eco_identity SET statement_timeout = '3s'`,
    // A consumer need not wait for a replica. If a failover loses its transaction, the progress row is lost with it,
    // and the consumer reads the changes again from GET /changes. So consumers continue while no replica streams.
    ...consumerRoles.map((name) => `ALTER ROLE ${name} SET synchronous_commit = local`),
    ...consumerRoles.map((name) => `ALTER ROLE ${name} SET statement_timeout = '10s'`),
  ].join(';\n');
}

/** Statements for inside the database: schemas, and no rights for PUBLIC. */
export function schemasSql(): string {
  return [
    `REVOKE ALL ON DATABASE ${DATABASE_NAME} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${DATABASE_NAME} TO ${loginRoles.filter((name) => name !== 'eco_replicator').join(', ')}`,
    `REVOKE ALL ON SCHEMA public FROM PUBLIC`,
    ...['eco', 'identity', ...consumerSchemas].map(
      (name) => `CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION eco_owner`,
    ),
  ].join(';\n');
}

/**
 * A function that recreates the slot of an absent replica. The old slot keeps row versions, and advancing it would
 * release log but leave its xmin. The replica finds the new slot when it returns. Until then the slot keeps nothing,
 * and `wal_keep_size` keeps the log that the replica lacks. The function returns false for a slot that is in use or
 * keeps no versions. It is in a separate schema, because migrations grant and revoke all functions of `eco`.
 */
export function slotFunctionSql(): string {
  return `
CREATE SCHEMA IF NOT EXISTS ${SLOT_ROLE} AUTHORIZATION ${SLOT_ROLE};
GRANT USAGE ON SCHEMA ${SLOT_ROLE} TO eco_writer;
CREATE OR REPLACE FUNCTION ${SLOT_ROLE}.renew_absent_slot(slot text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM pg_replication_slots s
  WHERE s.slot_name = slot AND s.slot_type = 'physical' AND NOT s.active AND NOT s.temporary
    AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL);
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM pg_drop_replication_slot(slot);
  PERFORM pg_create_physical_replication_slot(slot);
  RETURN true;
END $$;
ALTER FUNCTION ${SLOT_ROLE}.renew_absent_slot OWNER TO ${SLOT_ROLE};
REVOKE ALL ON FUNCTION ${SLOT_ROLE}.renew_absent_slot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ${SLOT_ROLE}.renew_absent_slot TO eco_writer`;
}
