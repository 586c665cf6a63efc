import type { OwnToken } from '@eco/access';
import type { RunningSystem } from '@eco/cluster';
import { problemSchema } from '@eco/contracts';
import { BadInput } from './input.js';

const ASK_MS = 10_000;

/** Central's API, called with a token that this process makes. So its rules and its audit trail apply. */
export class CentralClient {
  readonly #url: string;
  readonly #token: OwnToken;

  constructor(system: RunningSystem, role: 'administrator' | 'manager') {
    this.#url = system.urlOf('central-api');
    this.#token = system.tokenOf(role);
  }

  /**
   * The body of a successful response; undefined if it has none. Otherwise throws BadInput with the text of the problem.
   */
  async ask(method: string, path: string, body?: object, idempotencyKey?: string): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...(await this.#token.header()),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ASK_MS),
    }).catch((error: Error) => {
      throw new BadInput(`Central at ${this.#url} does not answer: ${error.message}`);
    });
    const text = await response.text();
    const answer: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return answer;
    const { title, detail, faults = [] } = problemSchema.parse(answer);
    const said = faults.map(({ at, message }) => `${at.replace(/^\//, '')} ${message}`).join('; ');
    throw new BadInput(said || detail || title);
  }
}
