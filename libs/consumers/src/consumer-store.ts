import { isDeepStrictEqual } from 'node:util';
import { DataSource, QueryFailedError, type DataSourceOptions, type EntityManager, type EntitySchema } from 'typeorm';
import type { ConsumerSchema } from '@eco/contracts';
import { hostPort, type Address } from '@eco/base';
import { DATABASE_NAME, NodeRoles, primaryOf } from '@eco/postgres';
import type { Consumer } from './consumer.js';
import { NOTHING_APPLIED, progressOf, type Progress, type TopicPosition } from './progress.js';

export interface ConsumerStoreOptions {
  consumer: Pick<Consumer, 'schema' | 'entities'>;
  /** All nodes of the group that keeps the schema; the store asks them which one is the primary (R7). */
  nodes: readonly Address[];
  /** Of the schema's own role, `eco_<schema>`. */
  password: string;
  applicationName: string;
}

/** No node could be reached, or none answered. Try again. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}

/** The database refuses a value of the request (class 22). Every node would refuse it, now and later. */
export class ValueRefusedError extends Error {
  override readonly name = 'ValueRefusedError';
}

const CONNECT_TIMEOUT_MS = 2_000;
const POOL_SIZE = 3;

/**
 * The schema of one consumer of events. It writes on the primary, wherever that is. It also reads there while there is
 * one, and on a replica otherwise, so that reads continue without a primary.
 */
export class ConsumerStore {
  readonly #group: NodeRoles;
  readonly #progress: EntitySchema<Progress>;
  readonly #sources = new Map<string, Promise<DataSource>>();
  #closed = false;

  constructor(private readonly options: ConsumerStoreOptions) {
    this.#progress = progressOf(options.consumer.schema);
    this.#group = new NodeRoles(options.nodes, this.#login, options.applicationName);
  }

  get name(): ConsumerSchema {
    return this.options.consumer.schema;
  }

  /** The consumer's position; 0 before its first change. */
  applied(groupId: string, topic: string): Promise<TopicPosition> {
    return this.#onPrimary((manager) => this.#appliedIn(manager, groupId, topic));
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
    return this.#onPrimary((primary) =>
      primary.transaction(async (manager) => {
        const table = this.#progress;
        await manager
          .createQueryBuilder()
          .insert()
          .into(table)
          .values({ ...key, ...NOTHING_APPLIED })
          .orIgnore()
          .execute();
        const now = appliedIn(await manager.findOneOrFail(table, { where: key, lock: { mode: 'pessimistic_write' } }));
        if (!isDeepStrictEqual(now, appliedIn(from))) return now;
        await apply(manager);
        await manager.update(table, key, to);
        return to;
      }),
    );
  }

  /** On the primary. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#onPrimary((manager) => manager.transaction(work));
  }

  /** Reads in one snapshot, with the progress that the result reflects. */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<{
    result: T;
    progress: (TopicPosition & { group: string; topic: string })[];
    node: Address;
    role: 'primary' | 'replica';
  }> {
    const answers = await this.#group.ask();
    const primary = primaryOf(answers);
    const candidates = [...(primary ? [primary] : []), ...answers.filter(({ type }) => type === 'replica')];
    let cause: unknown = new Error('no node answers');
    for (const { node } of candidates) {
      try {
        const { manager } = await this.#source(node);
        return await manager.transaction('REPEATABLE READ', async (snapshot) => ({
          result: await work(snapshot),
          progress: (await snapshot.findBy(this.#progress, { consumer: this.name })).map(
            ({ groupId: group, topic, ...progress }) => ({ group, topic, ...appliedIn(progress) }),
          ),
          node,
          role: node === primary?.node ? ('primary' as const) : ('replica' as const),
        }));
      } catch (error) {
        if (isAboutValue(error)) throw new ValueRefusedError(error.message, { cause: error });
        await this.#forget(node);
        cause = error;
      }
    }
    throw new StoreUnavailableError(`no database node answers for ${this.name}: ${(cause as Error).message}`, {
      cause,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#group.close();
    await Promise.all(this.options.nodes.map((node) => this.#forget(node)));
  }

  get #login() {
    return { user: `eco_${this.name}`, password: this.options.password };
  }

  async #appliedIn(manager: EntityManager, groupId: string, topic: string): Promise<TopicPosition> {
    const row = await manager.findOneBy(this.#progress, { consumer: this.name, groupId, topic });
    return row === null ? NOTHING_APPLIED : appliedIn(row);
  }

  async #onPrimary<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const primary = primaryOf(await this.#group.ask());
    if (primary === undefined) throw new StoreUnavailableError(`no primary answers for ${this.name}`);
    try {
      const { manager } = await this.#source(primary.node);
      return await work(manager);
    } catch (error) {
      // Whether the connection or the statement failed does not matter: the next try opens a new connection.
      await this.#forget(primary.node);
      throw new StoreUnavailableError(`${this.name} could not be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  #source(node: Address): Promise<DataSource> {
    if (this.#closed) throw new StoreUnavailableError(`the store of ${this.name} is closed`);
    const key = hostPort(node);
    const opened =
      this.#sources.get(key) ??
      new DataSource({
        type: 'postgres',
        host: node.host,
        port: node.port,
        database: DATABASE_NAME,
        username: this.#login.user,
        password: this.#login.password,
        applicationName: this.options.applicationName,
        connectTimeoutMS: CONNECT_TIMEOUT_MS,
        poolSize: POOL_SIZE,
        poolErrorHandler: () => undefined,
        entities: [this.#progress, ...this.options.consumer.entities] as DataSourceOptions['entities'],
      }).initialize();
    this.#sources.set(key, opened);
    return opened;
  }

  async #forget(node: Address): Promise<void> {
    const key = hostPort(node);
    const opened = this.#sources.get(key);
    this.#sources.delete(key);
    try {
      await (await opened)?.destroy();
    } catch {
      // It never opened, or its connections are broken: nothing is left to close.
    }
  }
}

function appliedIn({ term, tag, seq, n }: TopicPosition): TopicPosition {
  return { term, tag, seq, n };
}

function isAboutValue(error: unknown): error is QueryFailedError<Error & { code?: string }> {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code?.startsWith('22') === true;
}
