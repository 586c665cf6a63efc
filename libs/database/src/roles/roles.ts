import { consumerRoles, consumerSchemas, type ConsumerRole } from '@eco/contracts';
import { DATABASE_NAME } from '@eco/postgres';
import { scramVerifier } from './scram.js';

const serverRoles = [
  'eco_migrator',
  'eco_writer',
  'eco_reader',
  'eco_identity',
  'eco_pins',
  'eco_operator',
  'eco_replicator',
  'eco_monitor',
] as const;

/** The login roles, each with its own password. */
export type LoginRole = (typeof serverRoles)[number] | ConsumerRole;
export const loginRoles: readonly LoginRole[] = [...serverRoles, ...consumerRoles];

/** The login roles that may connect to the database; the replicator only copies the server. */
export const databaseRoles: readonly LoginRole[] = loginRoles.filter((name) => name !== 'eco_replicator');

/** Limits of the sessions of one role on one node. */
export interface RoleLimits {
  /** Most sessions at a time. */
  readonly connections: number;
  /**
   * Longest transaction, s. A writer ends the session of a longer one, and the session can't lift this limit
   * (`guardSql`). Absent: no limit.
   */
  readonly transactionS?: number;
}

/** Two instances of Central open three connections each; the seventh is for a connection that reopens. */
const consumerLimits: RoleLimits = { connections: 7, transactionS: 60 };

/**
 * All roles together have fewer connections than a server (`max_connections`), so no role can take the slots of the
 * writer or the superuser. The connections of the replicator do not count, because they have their own slots
 * (`max_wal_senders`). docs/operations.md compares the limits with what the processes open. The slowest statement of a
 * reader may take 10 s.
 */
export const roleLimits: Readonly<Record<LoginRole, RoleLimits>> = {
  eco_writer: { connections: 12 },
  eco_migrator: { connections: 3 },
  eco_reader: { connections: 32, transactionS: 20 },
  // `eco verify` holds a snapshot for at most an hour.
  eco_operator: { connections: 10, transactionS: 3_660 },
  // Two instances of Central open one each.
  eco_identity: { connections: 4, transactionS: 20 },
  // Each read-service opens one.
  eco_pins: { connections: 4, transactionS: 20 },
  eco_monitor: { connections: 8, transactionS: 20 },
  eco_replicator: { connections: 10 },
  ...(Object.fromEntries(consumerRoles.map((role) => [role, consumerLimits])) as Record<ConsumerRole, RoleLimits>),
};

/**
 * Each of these two roles owns functions that need more rights than the writer has. Neither can log in. The writer
 * calls these functions, so it needs neither a replication right, with which it could copy the whole server, nor the
 * right to end any session.
 */
const SLOT_ROLE = 'eco_slots';
const GUARD_ROLE = 'eco_guard';

/**
 * Roles belong to a whole server, so this runs before the database exists. `eco_owner` can't log in. A role that serves
 * requests owns no table that it writes, so it can neither change a table nor grant itself more. The statements may run
 * any number of times. A role may change its own settings, so they are reset each time. Grants on tables are in the
 * migrations, next to the tables.
 */
export function rolesSql(): string {
  const names = ['eco_owner', SLOT_ROLE, GUARD_ROLE, ...loginRoles];
  return [
    ...names.map(
      (name) => `DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') THEN CREATE ROLE ${name}; END IF;
      END $$`,
    ),
    ...loginRoles.map((name) => {
      const replication = name === 'eco_replicator' ? 'REPLICATION' : 'NOREPLICATION';
      const limit = `CONNECTION LIMIT ${roleLimits[name].connections}`;
      return `ALTER ROLE ${name} LOGIN ${replication} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS ${limit}`;
    }),
    ...loginRoles.map((name) => `ALTER ROLE ${name} RESET ALL`),
    `ALTER ROLE ${SLOT_ROLE} NOLOGIN REPLICATION`,
    `ALTER ROLE ${GUARD_ROLE} NOLOGIN`,
    `GRANT pg_signal_backend, pg_read_all_stats TO ${GUARD_ROLE}`,
    // Earlier versions granted this right. Now a function of eco_guard returns the one figure that the writer needs.
    `REVOKE pg_read_all_stats FROM eco_writer`,
    `GRANT eco_owner TO eco_migrator`,
    // A migration runs as the owner, so that the owner owns every object that it makes.
    `ALTER ROLE eco_migrator SET role = 'eco_owner'`,
    `GRANT pg_monitor TO eco_monitor`,
    `GRANT eco_reader TO eco_operator`,
    // No role may hold a snapshot for long: dead versions of hot rows accumulate behind it.
    ...loginRoles.map((name) => `ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '10s'`),
    ...['eco_reader', 'eco_operator', 'eco_monitor', 'eco_pins'].flatMap((name) => [
      `ALTER ROLE ${name} SET statement_timeout = '5s'`,
      `ALTER ROLE ${name} SET default_transaction_read_only = on`,
    ]),
    // An index of a large table and `eco verify` sort more than the server's limit. Only the start and an operator log
    // in as these roles.
    ...['eco_migrator', 'eco_operator'].map((name) => `ALTER ROLE ${name} SET temp_file_limit = -1`),
    // A migration may be long, but other statements must not queue behind a lock that it waits for.
    `ALTER ROLE eco_migrator SET lock_timeout = '10s'`,
    // A log-in waits for at most 3 s.
    `ALTER ROLE eco_identity SET statement_timeout = '3s'`,
    // A consumer need not wait for a replica. If a failover loses its transaction, the progress row is lost with it,
    // and the consumer reads the changes again from GET /changes. So consumers continue while no replica streams.
    ...consumerRoles.map((name) => `ALTER ROLE ${name} SET synchronous_commit = local`),
    ...consumerRoles.map((name) => `ALTER ROLE ${name} SET statement_timeout = '10s'`),
  ].join(';\n');
}

/** Statements that set the passwords. Send them in an `UNLOGGED` session, because no verifier may be in a log. */
export function passwordsSql(passwords: Readonly<Record<LoginRole, string>>): string {
  return loginRoles.map((name) => passwordSql(name, passwords[name])).join(';\n');
}

/** The same for one role. `postgres` is the superuser. */
export function passwordSql(role: LoginRole | 'postgres', password: string): string {
  return `ALTER ROLE ${role} PASSWORD '${scramVerifier(password)}'`;
}

/** Prefix of the messages in the write-ahead log that name a position. */
export const POSITION_PREFIX = 'eco';

/** Settings of a session that logs no statement; only a superuser may set them. */
export const UNLOGGED =
  'SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_duration_sample = -1';

/**
 * A statement for every database of the server. Every role has the rights of PUBLIC. This revokes those with which a
 * session could harm others: to take advisory locks, because the leader's lock is one; to write large objects and
 * logical messages, because they fill the disk; to run blocks of code. New databases copy this from `template1`.
 * pg_dump and pg_upgrade keep it, because it differs from what initdb made.
 */
export function sealSql(): string {
  return `
DO $$
DECLARE
  f regprocedure;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
  REVOKE ALL ON LANGUAGE sql, plpgsql FROM PUBLIC;
  FOR f IN
    SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
      AND p.proname ~ '^(pg_advisory_|pg_try_advisory_|lo_|loread$|lowrite$|pg_logical_emit_message$)'
  LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END $$`;
}

/**
 * Statements for inside the sealed database. They make schemas, and grant to some roles the rights that PUBLIC lost.
 */
export function schemasSql(): string {
  return [
    // The owner of a database may make schemas and extensions in it, so no role of a service owns it.
    `ALTER DATABASE ${DATABASE_NAME} OWNER TO CURRENT_USER`,
    `GRANT CONNECT ON DATABASE ${DATABASE_NAME} TO ${databaseRoles.join(', ')}`,
    ...loginRoles.map((name) => `ALTER ROLE ${name} IN DATABASE ${DATABASE_NAME} RESET ALL`),
    `GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(bigint) TO eco_writer`,
    `GRANT USAGE ON LANGUAGE sql, plpgsql TO eco_owner, ${SLOT_ROLE}, ${GUARD_ROLE}`,
    ...['eco', 'identity', ...consumerSchemas].map(
      (name) => `CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION eco_owner`,
    ),
  ].join(';\n');
}

/**
 * A function that recreates the slot of an absent replica. The old slot keeps row versions, and advancing it would
 * release log but leave its xmin. The replica finds the new slot when it returns. Until then the slot keeps nothing,
 * and `wal_keep_size` keeps the log that the replica lacks. The function returns false for a slot that is in use or
 * keeps no versions. The function is in a separate schema, because migrations grant and revoke all functions of `eco`.
 */
export function slotFunctionSql(): string {
  return functionSql(
    SLOT_ROLE,
    'renew_absent_slot',
    `(slot text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM pg_replication_slots s
  WHERE s.slot_name = slot AND s.slot_type = 'physical' AND NOT s.active AND NOT s.temporary
    AND (s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL);
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM pg_drop_replication_slot(slot);
  PERFORM pg_create_physical_replication_slot(slot);
  RETURN true;
END $$`,
  );
}

/**
 * Functions that the writer calls to see and limit the sessions of other roles. A session may lift the timeouts of its
 * role, so another session must enforce them.
 *
 * - `end_long_transactions` ends the sessions on this node whose transaction is older than their role's limit. It takes
 *   no argument, so a stolen password of the writer ends no session that is within its limit.
 * - `oldest_xmin_age` returns the number of transactions since the oldest snapshot in use.
 * - `note_position` writes a position into the log, as a part of its transaction; it is in no table. A restore finds the
 *   transaction of a position by it.
 */
export function guardSql(limits: Readonly<Partial<Record<LoginRole, RoleLimits>>> = roleLimits): string {
  const rows = Object.entries(limits).flatMap(([role, { transactionS }]) =>
    transactionS === undefined ? [] : [`('${role}', ${transactionS})`],
  );
  return [
    // The CTE is materialized: the planner could otherwise end sessions before it compares their age.
    functionSql(
      GUARD_ROLE,
      'end_long_transactions',
      `() RETURNS TABLE (role text, seconds double precision)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH overdue AS MATERIALIZED (
    SELECT a.pid, a.usename::text AS role, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds
    FROM pg_stat_activity a
    JOIN (VALUES ${rows.join(', ')}) AS l (role, seconds) ON l.role = a.usename
    WHERE a.xact_start < clock_timestamp() - l.seconds * interval '1 second'
  ), ended AS MATERIALIZED (
    SELECT o.role, o.seconds, pg_terminate_backend(o.pid) AS is_ended FROM overdue o
  )
  SELECT e.role, e.seconds FROM ended e WHERE e.is_ended
$$`,
    ),
    functionSql(
      GUARD_ROLE,
      'oldest_xmin_age',
      `() RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT max(age(x.xmin)) FROM (
    SELECT a.backend_xmin AS xmin FROM pg_stat_activity a
    UNION ALL SELECT s.xmin FROM pg_replication_slots s
    UNION ALL SELECT t.transaction FROM pg_prepared_xacts t
  ) x
$$`,
    ),
    `
DO $$
DECLARE
  f regprocedure;
BEGIN
  -- Its parameters differ between versions.
  FOR f IN
    SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = 'pg_logical_emit_message'
      AND p.proargtypes[2] = 'text'::regtype
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ${GUARD_ROLE}', f);
  END LOOP;
END $$`,
    functionSql(
      GUARD_ROLE,
      'note_position',
      `(term bigint, tag text, seq bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_logical_emit_message(true, '${POSITION_PREFIX}', term || '.' || left(tag, 36) || '.' || seq);
END $$`,
    ),
  ].join(';\n');
}

/** A function in the schema of its owner. Only the writer may call it. */
function functionSql(owner: string, name: string, definition: string): string {
  return `
CREATE SCHEMA IF NOT EXISTS ${owner} AUTHORIZATION ${owner};
GRANT USAGE ON SCHEMA ${owner} TO eco_writer;
CREATE OR REPLACE FUNCTION ${owner}.${name} ${definition};
ALTER FUNCTION ${owner}.${name} OWNER TO ${owner};
REVOKE ALL ON FUNCTION ${owner}.${name} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ${owner}.${name} TO eco_writer`;
}
