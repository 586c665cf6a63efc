import { DataSource, QueryFailedError } from 'typeorm';
import { sleep, type Address } from '@eco/base';
import { DATABASE_NAME, serverAt, settingsOption } from '@eco/postgres';
import { migrations } from './index.js';

/**
 * A migration may run while services do, and every later statement waits behind a lock that the migration waits for. So
 * a migration waits less than a read does (1.5 s), lets the others through, and retries. `migrations.spec.ts` has the
 * rules for its statements.
 */
const LOCK_TIMEOUT_MS = 1000;
const LOCK_PAUSE_MS = 1000;
const LOCK_TRIES_MAX = 60;
const SQLSTATE_LOCK_NOT_AVAILABLE = '55P03';

/** Runs the missing migrations on a group's primary. `password`: the one of `eco_migrator`. */
export async function migrate(primary: Address, password: string): Promise<void> {
  const dataSource = new DataSource({
    type: 'postgres',
    ...serverAt(primary),
    password,
    database: DATABASE_NAME,
    username: 'eco_migrator',
    schema: 'eco',
    migrations,
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    extra: {
      options: settingsOption({ synchronous_commit: 'local', lock_timeout: String(LOCK_TIMEOUT_MS) }),
      connectionTimeoutMillis: 5000,
    },
  });
  await dataSource.initialize();
  try {
    await runMigrations(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function runMigrations(dataSource: DataSource): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await dataSource.runMigrations();
      return;
    } catch (error) {
      const { code } = (error instanceof QueryFailedError ? error.driverError : {}) as { code?: string };
      if (code !== SQLSTATE_LOCK_NOT_AVAILABLE) throw error;
      if (tries >= LOCK_TRIES_MAX) {
        const reason =
          'a migration did not get its lock: end the transaction that holds it (pg_stat_activity), start again';
        throw new Error(reason, { cause: error });
      }
    }
    await sleep(LOCK_PAUSE_MS);
  }
}
