import { scramVerifier } from './scram.js';

/** The roles that log in, each with a password of its own. */
export const loginRoles = [
  'eco_migrator',
  'eco_writer',
  'eco_reader',
  'eco_replicator',
  'eco_monitor',
  'eco_central',
  'eco_statistics',
  'eco_notifications',
] as const;
export type LoginRole = (typeof loginRoles)[number];

export const DATABASE_NAME = 'ecomarket';

/**
 * Owns the one function that may drop and make replication slots, and can't log in. So the writer, which calls it, needs no
 * right to replicate: that would let it copy the whole server.
 */
const SLOT_ROLE = 'eco_slots';

/** The consumers of events that keep a schema of their own; each is named like its schema. */
export const consumerSchemas = ['central', 'statistics', 'notifications'] as const;
export type ConsumerSchema = (typeof consumerSchemas)[number];

/**
 * Roles belong to a whole server, so this runs before the database is there. `eco_owner` can't log in: a role that
 * takes requests never owns what it writes, so none can change a table or grant itself more. May run any number of
 * times; passwords are set anew each time. Grants on tables are in the migrations, beside what they are on.
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
    // What a migration makes belongs to the owner.
    `ALTER ROLE eco_migrator SET role = 'eco_owner'`,
    `GRANT pg_monitor TO eco_monitor`,
    // To see how old the oldest snapshot is, and what the backend of a silent predecessor waits for.
    `GRANT pg_read_all_stats TO eco_writer`,
    // Nobody may hold a snapshot for long: dead versions of hot rows pile up behind it.
    ...loginRoles.map((name) => `ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '10s'`),
    ...['eco_reader', 'eco_monitor'].map((name) => `ALTER ROLE ${name} SET statement_timeout = '5s'`),
    ...['eco_reader', 'eco_monitor'].map((name) => `ALTER ROLE ${name} SET default_transaction_read_only = on`),
    // A migration may be long, but must not queue everybody up behind a lock it waits for.
    `ALTER ROLE eco_migrator SET lock_timeout = '10s'`,
    // A consumer need not wait for a replica: what a failover takes from it, its progress row included, it reads again
    // from GET /changes. So it is never stuck when no replica streams.
    ...consumerSchemas.map((name) => `ALTER ROLE eco_${name} SET synchronous_commit = local`),
    ...consumerSchemas.map((name) => `ALTER ROLE eco_${name} SET statement_timeout = '10s'`),
  ].join(';\n');
}

/** In the database itself, once it is there: schemas, and nothing for those who were not named. */
export function schemasSql(): string {
  return [
    `REVOKE ALL ON DATABASE ${DATABASE_NAME} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${DATABASE_NAME} TO ${loginRoles.filter((name) => name !== 'eco_replicator').join(', ')}`,
    `REVOKE ALL ON SCHEMA public FROM PUBLIC`,
    ...['eco', ...consumerSchemas].map((name) => `CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION eco_owner`),
  ].join(';\n');
}

/**
 * Makes again the slot of a replica that is away, so that it no longer keeps row versions: to advance a slot releases log
 * and leaves its xmin. The new one is there for the replica when it comes back, and keeps nothing until then; the log that
 * the replica lacks is kept by `wal_keep_size`. Refuses a slot that is in use, or keeps no versions. False: refused. In a
 * schema of its own: migrations grant and revoke all functions of `eco`, which they own.
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
