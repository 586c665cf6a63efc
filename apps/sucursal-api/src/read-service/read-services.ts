import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { OwnToken, type BranchKey } from '@eco/access';
import { PeriodicTask, sleep, type Log } from '@eco/base';
import { ReadServiceNode, type GroupReport, type NodeAnswer } from './read-service-node.js';

const PROBE_EVERY_MS = 500;
/**
 * Reads wait for the end of an outage that lasts for less than this time, ms: a read-service that has crashed is restarted
 * within it. In a longer outage they are refused at once.
 */
const OUTAGE_MS = 15_000;
/** Longest wait for what the branch reads for itself, ms. */
const OWN_READ_MS = 5_000;
const PAUSE_MS = 50;
/** A smaller difference of clocks is not noted, ms. The time of an answer is in whole seconds, and it took a while. */
const CLOCK_DIFFERENCE_MS = 60_000;

/** No read-service has answered in time. */
export class NoReadServiceError extends Error {
  override readonly name = 'NoReadServiceError';
}

/** A read of a client. */
export interface ReadRequest {
  /** A search is a POST with a body. */
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ReadAnswer {
  readonly status: number;
  readonly headers: NodeAnswer['headers'];
  /** A `Readable` for CSV, which may be larger than the memory. */
  readonly body: string | Readable;
}

/**
 * The read-services of the head office. A read changes nothing, so it is repeated, at another one if there is one, until
 * it is answered or the outage has lasted too long. The branch proves itself by its own token.
 */
export class ReadServices {
  readonly #nodes: readonly ReadServiceNode[];
  readonly #probes = new PeriodicTask(() => this.#probe(), PROBE_EVERY_MS);
  readonly #log: Log;
  #token: OwnToken;
  /** By how much the head office's clock is ahead of the branch's, ms. */
  #officeAheadMs = 0;
  #turn = 0;
  /** Begin of the outage: nothing was answered since. */
  #failingSinceMs: number | undefined;

  constructor(urls: readonly string[], key: BranchKey, log: Log) {
    this.#token = this.#tokenOf(key);
    this.#log = log;
    this.#nodes = urls.map(
      (url) =>
        new ReadServiceNode(
          url,
          () => this.#token.header(),
          (officeMs) => this.#noteTime(officeMs),
          log,
        ),
    );
  }

  /** Signs with this key from now on. */
  useKey(key: BranchKey): void {
    this.#token = this.#tokenOf(key);
  }

  /** Resolves when every read-service has answered or failed once. */
  async start(): Promise<void> {
    this.#probes.start();
    await this.#probes.run();
  }

  async stop(): Promise<void> {
    await this.#probes.stop();
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  /** For people, such as `1 of 2 answer`. */
  get state(): string {
    const faults = this.#nodes.flatMap(({ fault }) => fault ?? []);
    return [`${this.#nodes.length - faults.length} of ${this.#nodes.length} answer`, ...faults].join('; ');
  }

  /** True: no read-service has answered the last probe. */
  get isAway(): boolean {
    return this.#nodes.every(({ fault }) => fault !== undefined);
  }

  reportsOf(group: string): GroupReport[] {
    return this.#nodes.flatMap((node) => node.reportsOf(group));
  }

  /** Throws a `NoReadServiceError` if no read-service has answered for `OUTAGE_MS`, or if one refuses this branch. */
  async ask(request: ReadRequest): Promise<ReadAnswer> {
    const tried = new Set<ReadServiceNode>();
    let failedMs: number | undefined;
    for (;;) {
      const node = this.#next(tried);
      tried.add(node);
      try {
        const answer = await this.#answerOf(await node.ask(request));
        this.#failingSinceMs = undefined;
        return answer;
      } catch (error) {
        if (error instanceof NoReadServiceError) throw error;
        failedMs ??= performance.now();
        this.#failingSinceMs ??= failedMs;
        if (tried.size < this.#nodes.length) continue;
        // The probes may succeed while this read fails.
        if (performance.now() - Math.min(failedMs, this.#failingSinceMs ?? failedMs) >= OUTAGE_MS)
          throw unanswered(error);
      }
      tried.clear();
      await sleep(PAUSE_MS);
    }
  }

  /** What the branch reads for itself, from the first read-service that answers. It is not repeated. */
  async read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const { status, content } = await this.answerTo(path);
    if (status !== 200) throw new NoReadServiceError(`the read-service answers ${status}: ${content}`);
    return schema.parse(JSON.parse(content));
  }

  /** The same, for a caller that distinguishes answers. */
  async answerTo(path: string): Promise<{ readonly status: number; readonly content: string }> {
    const request = { method: 'GET', path, headers: {} } as const;
    const asked = this.#next(new Set()).ask(request, AbortSignal.timeout(OWN_READ_MS));
    const { statusCode, body } = await asked.catch((error: unknown) => {
      throw unanswered(error);
    });
    return { status: statusCode, content: await body.text() };
  }

  async #answerOf({ statusCode: status, headers, body }: NodeAnswer): Promise<ReadAnswer> {
    // The caller's token was verified here, so it is the branch's own token that is refused.
    if (status === 401 || status === 421) {
      const content = await body.text();
      this.#log.error({ status, content }, 'the read-service refuses this branch');
      throw new NoReadServiceError(`the read-service refuses this branch with ${status}`);
    }
    if (headers['content-type']?.toString().startsWith('text/csv') === true) return { status, headers, body };
    // An answer that breaks off can still be repeated.
    return { status, headers, body: await body.text() };
  }

  /** A token that is valid by the clock of the head office: that of the branch may be a day off. */
  #tokenOf(key: BranchKey): OwnToken {
    return OwnToken.ofBranch(key, () => Date.now() + this.#officeAheadMs);
  }

  #noteTime(officeMs: number): void {
    const aheadMs = officeMs - Date.now();
    if (Math.abs(aheadMs - this.#officeAheadMs) < CLOCK_DIFFERENCE_MS) return;
    this.#log.warn({ aheadMs }, 'the clock of the head office differs from that of the branch');
    this.#officeAheadMs = aheadMs;
  }

  /** The next one in turn that answers and was not tried; otherwise any that was not tried. */
  #next(tried: ReadonlySet<ReadServiceNode>): ReadServiceNode {
    const untried = this.#nodes.filter((node) => !tried.has(node));
    const answering = untried.filter(({ fault }) => fault === undefined);
    const candidates = answering.length > 0 ? answering : untried;
    this.#turn = (this.#turn + 1) % this.#nodes.length;
    return candidates[this.#turn % candidates.length] as ReadServiceNode;
  }

  async #probe(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.probe()));
    if (this.#nodes.some(({ fault }) => fault === undefined)) this.#failingSinceMs = undefined;
  }
}

function unanswered(error: unknown): NoReadServiceError {
  return new NoReadServiceError(`no read-service answers: ${(error as Error).message}`, { cause: error });
}
