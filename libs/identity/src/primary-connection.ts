import { hostPort, type Address, type Password } from '@eco/base';
import { SideConnection, SQLSTATE } from '@eco/postgres';
import { readFailureKind } from '@eco/reads';

/** The account store can't be reached or can't answer now. The request itself may be valid. */
export class IdentityUnavailableError extends Error {
  override readonly name = 'IdentityUnavailableError';
}

export interface PrimaryConnectionOptions {
  /** The nodes of the first group with their present roles, as the read library of the process knows them. */
  readonly nodes: () => readonly { readonly node: Address; readonly role: 'primary' | 'replica' }[];
  /** Absent: `eco_identity`. */
  readonly user?: 'eco_identity' | 'eco_pins';
  readonly password: Password;
  readonly applicationName: string;
}

/** Longest wait for an answer, ms. It covers a commit that waits for a replica, and is short because a person waits. */
const ASK_MS = 3_000;

/**
 * A connection to the present primary of the first group. Each statement is a transaction of its own, so one connection
 * serves all requests.
 */
export class PrimaryConnection {
  readonly #options: PrimaryConnectionOptions;
  #connection: SideConnection | undefined;

  constructor(options: PrimaryConnectionOptions) {
    this.#options = options;
  }

  /** Throws an `IdentityUnavailableError` if the primary does not answer within 3 s. */
  async ask<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    const connection = this.#toPrimary();
    try {
      return await connection.ask<Row & Record<string, unknown>>(text, values, ASK_MS);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const { message } = error as Error;
      throw new IdentityUnavailableError(`${hostPort(connection.node)}: ${message}`, { cause: error });
    }
  }

  close(): void {
    this.#connection?.close();
  }

  #toPrimary(): SideConnection {
    const primary = this.#options.nodes().find(({ role }) => role === 'primary')?.node;
    if (primary === undefined) throw new IdentityUnavailableError('no primary answers');
    if (this.#connection !== undefined && hostPort(this.#connection.node) === hostPort(primary)) {
      return this.#connection;
    }
    this.#connection?.close();
    const { user = 'eco_identity', password, applicationName } = this.#options;
    this.#connection = new SideConnection(primary, { user, password }, applicationName);
    return this.#connection;
  }
}

/** An error without a severity is not the server's: the connection failed, broke, or was too slow. */
function isUnavailable(error: unknown): boolean {
  const { severity, code } = error as { severity?: string; code?: string };
  if (severity === undefined || code === SQLSTATE.readOnlyTransaction) return true;
  const kind = readFailureKind(code);
  return kind !== 'request' && kind !== 'refusal';
}
