import { Pool, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { groupsSchema } from '@eco/api/branch';
import type { Log } from '@eco/base';
import type { ReadRequest } from './read-services.js';

export type NodeAnswer = Dispatcher.ResponseData;

/** What a read-service reports about a group, and when the report came. */
export interface GroupReport {
  readonly atMs: number;
  readonly report: z.infer<typeof groupsSchema>['groups'][number];
}

const PROBE: ReadRequest = { method: 'GET', path: '/branch/groups', headers: {} };
/** A read-service that does not answer for this time is not used, ms. */
const PROBE_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** Longest wait for an answer, ms: `Prefer: wait` and a report that waits for other reports. */
const ANSWER_TIMEOUT_MS = 100_000;
/** A waiting read holds a connection. */
const CONNECTIONS_MAX = 2_000;
/** Reports that are kept: those of five seconds. */
const REPORTS_MAX = 10;

/**
 * One read-service. Its probe asks for the state of the groups. When the probe fails, running requests fail too, so that
 * they can be repeated elsewhere: a stalled process would otherwise hold them.
 */
export class ReadServiceNode {
  readonly #url: string;
  readonly #headers: () => Promise<Record<string, string>>;
  readonly #log: Log;
  readonly #onTime: (officeMs: number) => void;
  #pool: Pool;
  #reports: readonly (readonly GroupReport[])[] = [];
  #fault: string | undefined = 'not asked yet';

  /** `onTime` gets the time of the read-service, ms since 1970, with each answer. */
  constructor(
    url: string,
    headers: () => Promise<Record<string, string>>,
    onTime: (officeMs: number) => void,
    log: Log,
  ) {
    this.#url = url;
    this.#headers = headers;
    this.#onTime = onTime;
    this.#log = log;
    this.#pool = poolTo(url);
  }

  /** Undefined: it answers. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The latest reports of each group. */
  reportsOf(group: string): GroupReport[] {
    return this.#reports.flatMap((reports) => reports.filter(({ report }) => report.group === group));
  }

  /** Rejects if no answer comes. An error is an answer, too. */
  async ask({ headers, ...request }: ReadRequest, signal?: AbortSignal): Promise<NodeAnswer> {
    const own = await this.#headers();
    const answer = await this.#pool.request({ ...request, headers: { ...headers, ...own }, ...(signal && { signal }) });
    const officeMs = Date.parse(String(answer.headers['date']));
    if (!Number.isNaN(officeMs)) this.#onTime(officeMs);
    return answer;
  }

  async probe(): Promise<void> {
    try {
      const { statusCode, body } = await this.ask(PROBE, AbortSignal.timeout(PROBE_TIMEOUT_MS));
      this.#note(statusCode, await body.text());
    } catch (error) {
      this.#setFault((error as Error).message);
      const failed = this.#pool;
      this.#pool = poolTo(this.#url);
      await failed.destroy();
    }
  }

  #note(status: number, content: string): void {
    // The branch has used up its budget, so the read-service answers nothing else either.
    if (status === 429) return;
    if (status !== 200) return this.#setFault(`it answers ${status}: ${content.slice(0, 500)}`);
    const { groups } = groupsSchema.parse(JSON.parse(content));
    const atMs = performance.now();
    this.#reports = [...this.#reports, groups.map((report) => ({ atMs, report }))].slice(-REPORTS_MAX);
    this.#setFault(undefined);
  }

  async stop(): Promise<void> {
    await this.#pool.destroy();
  }

  #setFault(fault: string | undefined): void {
    if ((fault === undefined) !== (this.#fault === undefined)) {
      if (fault === undefined) this.#log.info({ url: this.#url }, 'the read-service answers');
      else this.#log.warn({ url: this.#url, fault }, 'the read-service does not answer');
    }
    this.#fault = fault;
  }
}

function poolTo(url: string): Pool {
  return new Pool(url, {
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: ANSWER_TIMEOUT_MS,
  });
}
