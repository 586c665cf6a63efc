import { SideConnection } from '@eco/database';
import type { DatabaseNode } from './layout.js';

const PROMOTE_S = 60;

/** As superuser. Resolves when it takes writes. */
export async function promote({ host, port }: Pick<DatabaseNode, 'host' | 'port'>, password: string): Promise<void> {
  const connection = new SideConnection({ host, port }, { user: 'postgres', password }, 'eco cluster');
  try {
    const [row] = await connection.ask(
      `SELECT pg_promote(true, ${PROMOTE_S}) AS promoted`,
      [],
      PROMOTE_S * 1000 + 5000,
    );
    if (row?.['promoted'] !== true) throw new Error(`${host}:${port} did not become a primary within ${PROMOTE_S} s`);
  } finally {
    connection.close();
  }
}
