import { openSecrets, operatorsUrlOf, readRun, RunningSystem, type App } from '@eco/cluster';
import type { BrokerUser } from '@eco/contracts';
import type { LoginRole } from '@eco/database';
import type { Address } from '@eco/base';
import { manage } from '@eco/broker';
import { SideConnection } from '@eco/postgres';
import { Callers, eventually, publishRaw } from '@eco/testing';
import { ApiDocument } from '../contract/api-document.js';

/** The response of an API. */
export interface Said {
  status: number;
  headers: Headers;
  /** Undefined: there was no body. */
  body: Record<string, unknown> | undefined;
  text: string;
}

/**
 * One API of the running system. Each request has the token of a caller that may send it, unless `headers` has another
 * `authorization`; an empty one sends no token. With a document, an answer that it does not describe fails the test.
 */
export class Api {
  readonly #callers: Callers | undefined;
  readonly #document: ApiDocument | undefined;

  constructor(
    readonly url: string,
    callers?: Callers,
    document?: ApiDocument,
  ) {
    this.#callers = callers;
    this.#document = document;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Said> {
    return this.send('GET', path, undefined, headers);
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Said> {
    return this.send('POST', path, body, headers);
  }

  /** Sends a request. A body that is a string is sent as it is, whether it is JSON or not. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    deadlineMs = 60_000,
  ): Promise<Said> {
    const sent: Record<string, string> = {
      ...(await this.#callers?.usual(path)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    if (sent['authorization'] === '') delete sent['authorization'];
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(deadlineMs),
      headers: sent,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const said: Said = {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined,
    };
    const violations = this.#document?.violationsOf(method, path, said) ?? [];
    if (violations.length > 0) throw new Error(`${method} ${path} is not as documented:\n${violations.join('\n')}`);
    return said;
  }

  /** Reads until the resource exists, like a client that follows a `Location`. */
  found(path: string, headers: Record<string, string> = {}): Promise<Said> {
    return eventually(`GET ${path} answers 200`, async () => {
      const said = await this.get(path, headers);
      return said.status === 200 && said;
    });
  }
}

/** The system that the run started, found through its data folder as an operator would. */
export async function openSystem() {
  const dataDir = process.env['E2E_DATA_DIR'] ?? '';
  const run = readRun(dataDir);
  if (run === undefined) throw new Error(`no system runs with the data folder ${dataDir}`);
  const system = new RunningSystem(run.layout, await openSecrets(dataDir));
  const { layout, tokens } = system;
  const callers = new Callers(() => tokens);
  const api = async (app: App) =>
    new Api(system.urlOf(app), callers, await ApiDocument.readFrom(system.operatorsUrlOf(app)));
  const operators = (app: App) => new Api(system.operatorsUrlOf(app));
  const [group] = layout.groups;
  if (group === undefined) throw new Error('the system has no group');
  // A test may have rotated a password.
  const now = async () => new RunningSystem(layout, await openSecrets(dataDir));

  return {
    dataDir,
    layout,
    group,
    callers,
    tokens,
    central: await api('central-api'),
    sucursal: await api('sucursal-api'),
    read: await api('read-service'),
    writers: system
      .servicesOf('shard-writer')
      .map((service) => ({ name: service.name, operators: new Api(operatorsUrlOf(service)) })),
    /** The listener for operators of each API. */
    operators: {
      central: operators('central-api'),
      sucursal: operators('sucursal-api'),
      read: operators('read-service'),
    },

    /** Current pid of a process. */
    pidOf(name: string): number {
      const pid = readRun(dataDir)?.processes.find((each) => each.name === name)?.pid;
      if (pid === undefined) throw new Error(`${name} does not run`);
      return pid;
    },

    async sql<R extends Record<string, unknown>>(
      text: string,
      values: unknown[] = [],
      { node = group.nodes[0], role = 'eco_operator' }: { node?: Address; role?: LoginRole | 'postgres' } = {},
    ): Promise<R[]> {
      if (node === undefined) throw new Error('the group has no node');
      using connection = new SideConnection(node, (await now()).databaseLogin(role), 'eco e2e');
      return await connection.ask<R>(text, values, 30_000);
    },

    /** The brokers' management API, as an administrator. Throws unless the status is 2xx. */
    async management(method: string, path: string): Promise<unknown> {
      return manage((await now()).management('topology'), `/api${path}`, { method });
    },

    /** Publishes a message directly to a command queue, by default as Central. Throws if it was not routed. */
    async putOnQueue(queue: string, payload: string, user: BrokerUser = 'central'): Promise<void> {
      await publishRaw((await now()).brokerAccess(user), queue, payload);
    },
  };
}

export type System = Awaited<ReturnType<typeof openSystem>>;
