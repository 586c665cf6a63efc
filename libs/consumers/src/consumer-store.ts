import { isDeepStrictEqual } from 'node:util';
import {
  DataSource,
  QueryFailedError,
  type DataSourceOptions,
  type EntityManager,
  type EntitySchema,
  type QueryRunner,
} from 'typeorm';
import { hostPort, presentPasswords, type Address, type Password } from '@eco/base';
import type { ConsumerSchema } from '@eco/contracts';
import { DATABASE_NAME, serverAt } from '@eco/postgres';
import type { ConsumerRows, ReadFailure } from '@eco/reads';
import type { Consumer } from './define-consumer.js';
import { NOTHING_APPLIED, progressOf, type Progress, type TopicPosition } from './progress.js';
import { sqlFailure } from './sql-failure.js';
import { UnavailableError } from './unavailable.js';

export interface NodeWithRole {
  readonly node: Address;
  readonly role: 'primary' | 'replica';
}

export interface ConsumerStoreOptions {
  readonly consumer: Pick<Consumer, 'schema' | 'entities'>;
  /**
   * The nodes of the group that keeps the schema, with their present roles. The read library of this process watches
   * them, so the store need not ask for roles (R7).
   */
  readonly nodes: () => readonly NodeWithRole[];
  /** Password of the schema's own role, `eco_<schema>`. */
  readonly password: Password;
  readonly applicationName: string;
}

const CONNECT_TIMEOUT_MS = 2_000;
/**
 * Time after which the server counts as stalled, ms. It ends a statement after 10 s, so no answer should be this late.
 */
const QUERY_TIMEOUT_MS = 12_000;
const POOL_SIZE = 3;

/** The connections to one node. They are closed when nobody uses them any more. */
interface Pool {
  readonly source: Promise<DataSource>;
  users: number;
  isDropped: boolean;
}

/**
 * The schema of one consumer of events. It writes on the primary, wherever that is. It also reads on the primary, and
 * on a replica while there is no primary.
 *
 * A failure is an `UnavailableError` if the server could not be reached or could not do it now. Any other error, such
 * as a wrong statement, is thrown as it is.
 */
export class ConsumerStore {
  readonly #progress: EntitySchema<Progress>;
  readonly #pools = new Map<string, Pool>();
  #closed = false;
  readonly #options: ConsumerStoreOptions;

  constructor(options: ConsumerStoreOptions) {
    this.#options = options;
    this.#progress = progressOf(options.consumer.schema);
  }

  get name(): ConsumerSchema {
    return this.#options.consumer.schema;
  }

  /** The consumer's position; 0 before its first change. */
  applied(groupId: string, topic: string): Promise<TopicPosition> {
    return this.#onPrimary(async (manager) => {
      const progress = manager.getRepository(this.#progress);
      const row = await progress.findOneBy({ consumer: this.name, groupId, topic });
      return row === null ? NOTHING_APPLIED : appliedIn(row);
    });
  }

  /**
   * Runs `apply` and moves the progress from `from` to `to` in one transaction on the primary. If another process has
   * moved it meanwhile, nothing is done and the stored progress is returned. So each change is applied once, however
   * many processes consume.
   */
  advance(
    { groupId, topic, from, to }: { groupId: string; topic: string; from: TopicPosition; to: TopicPosition },
    apply: (manager: EntityManager) => Promise<void>,
  ): Promise<TopicPosition> {
    const key = { consumer: this.name, groupId, topic };
    return this.write(async (manager) => {
      const progress = manager.getRepository(this.#progress);
      await progress
        .createQueryBuilder()
        .insert()
        .values({ ...key, ...NOTHING_APPLIED })
        .orIgnore()
        .execute();
      const now = appliedIn(await progress.findOneOrFail({ where: key, lock: { mode: 'pessimistic_write' } }));
      if (!isDeepStrictEqual(now, appliedIn(from))) return now;
      await apply(manager);
      await progress.update(key, to);
      return to;
    });
  }

  /** Runs `work` in one transaction on the primary. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#onPrimary((manager) => manager.transaction(work));
  }

  /** Reads in one snapshot, with the progress that the result reflects. Throws only for bugs. */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<ConsumerRows<T> | ReadFailure> {
    const nodes = this.#options.nodes();
    const candidates = ['primary', 'replica'].flatMap((role) => nodes.filter((each) => each.role === role));
    let reason = 'none is reachable';
    let refusal: Error | undefined;
    for (const { node, role } of candidates) {
      try {
        const found = await this.#on(node, (manager) =>
          manager.transaction('REPEATABLE READ', async (snapshot) => ({
            rows: await work(snapshot),
            progress: await snapshot.getRepository(this.#progress).findBy({ consumer: this.name }),
          })),
        );
        const progress = found.progress.map(({ groupId: group, topic, ...at }) => ({ group, topic, ...appliedIn(at) }));
        return { type: 'rows', rows: found.rows, progress, node: hostPort(node), role };
      } catch (error) {
        const { message } = error as Error;
        if (error instanceof UnavailableError) reason = message;
        else if (error instanceof QueryFailedError && sqlFailure(error) === 'bad-value')
          return { type: 'bad-value', reason: message };
        else refusal ??= error as Error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return { type: 'no-node', fault: `no database node answers for ${this.name}: ${reason}` };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#pools.values()].map((pool) => {
        pool.isDropped = true;
        return closeIfUnused(pool);
      }),
    );
    this.#pools.clear();
  }

  async #onPrimary<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const primary = this.#options.nodes().find(({ role }) => role === 'primary');
    if (primary === undefined) throw new UnavailableError(`no primary answers for ${this.name}`);
    return this.#on(primary.node, work);
  }

  /** Runs `work` with a connection to the node. */
  async #on<T>(node: Address, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.#closed) throw new UnavailableError(`the store of ${this.name} is closed`);
    const pool = this.#poolOf(node);
    let runner: QueryRunner | undefined;
    pool.users += 1;
    try {
      const opened = (await pool.source).createQueryRunner();
      await opened.connect();
      runner = opened;
      return await work(opened.manager);
    } catch (error) {
      // The runner is released if its connection broke between two statements.
      const isConnected = runner?.isReleased === false;
      if (isConnected && !(error instanceof QueryFailedError)) throw error;
      const isUnavailable = sqlFailure(error) === 'unavailable';
      // With this pool dropped, the next try opens new connections.
      if (!isConnected || isUnavailable) pool.isDropped = true;
      if (!isUnavailable) throw error;
      const { message } = error as Error;
      throw new UnavailableError(`${hostPort(node)} is not available for ${this.name}: ${message}`, { cause: error });
    } finally {
      await runner?.release();
      pool.users -= 1;
      void closeIfUnused(pool);
    }
  }

  #poolOf(node: Address): Pool {
    const name = hostPort(node);
    const known = this.#pools.get(name);
    if (known?.isDropped === false) return known;
    const pool: Pool = { source: this.#open(node), users: 0, isDropped: false };
    this.#pools.set(name, pool);
    return pool;
  }

  #open(node: Address): Promise<DataSource> {
    const { consumer, password, applicationName } = this.#options;
    return new DataSource({
      type: 'postgres',
      ...serverAt(node),
      database: DATABASE_NAME,
      username: `eco_${this.name}`,
      // The pool calls it for each connection. A refused password is an outage, after which the pool connects again.
      password: () => presentPasswords(password)[0] ?? '',
      applicationName,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      poolSize: POOL_SIZE,
      poolErrorHandler: () => undefined,
      extra: { query_timeout: QUERY_TIMEOUT_MS },
      entities: [this.#progress, ...consumer.entities] as DataSourceOptions['entities'],
    }).initialize();
  }
}

async function closeIfUnused(pool: Pool): Promise<void> {
  if (!pool.isDropped || pool.users > 0) return;
  try {
    await (await pool.source).destroy();
  } catch {
    // It never opened, or its connections are broken: nothing is left to close.
  }
}

function appliedIn({ term, tag, seq, n }: TopicPosition): TopicPosition {
  return { term, tag, seq, n };
}
