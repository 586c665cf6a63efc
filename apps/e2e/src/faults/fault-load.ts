import { sleep } from '@eco/base';
import { headers } from '@eco/contracts';
import { eventually, seededRandom, usualIdKey, type Asked } from '@eco/testing';
import { RawPublisher, type RawPlanned } from './raw-publisher.js';
import type { Api } from '../system/system.js';
import { Requests, type Planned } from './requests.js';
import { Window } from './window.js';
import type { FaultSystem } from './fault-system.js';

/*
 * Clients that never stop, whatever is done to the servers: a fixed number of requests per second as an open loop,
 * chosen by a seed. A request without a clear answer is sent again with its Idempotency-Key, as a till would. Its final
 * answer is recorded, with the rows that it must have produced.
 */

export interface LoadOptions {
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** After one of this many requests, an invalid message is sent. */
  readonly badEvery: number;
  /** API of a branch, which then takes some of the orders. */
  readonly branch?: Api;
}

/** A decided order, and the position of its decision. */
export interface DecidedOrder {
  readonly orderId: string;
  readonly position: string;
}

/** Most requests of a kind in flight. Beyond this no new ones are made, because clients that wait do not send more. */
const UNDER_WAY_MAX = { accepted: 300, decided: 50, raw: 20 };
type Kind = keyof typeof UNDER_WAY_MAX;
const TICK_MS = 20;
/**
 * Time limit of an answer, ms. It is longer than the allowed gap, so that a slow answer counts as a gap and not as a
 * refusal.
 */
const ANSWER_MS = 30_000;
const REPEAT_MS = 1000;
/** Longest wait for the decision of an order, s. It is shorter than the time limit of an answer. */
const DECISION_SECONDS = 20;
/** Decided orders that are remembered. */
const DECIDED_MAX = 200;

type Kept = RawPlanned & { known: Asked['known'] };

export class FaultLoad {
  readonly #requests: Requests;
  readonly #rawPublisher: RawPublisher;
  readonly #kept: Kept[] = [];
  readonly #underWay = {
    accepted: new Set<Promise<void>>(),
    decided: new Set<Promise<void>>(),
    raw: new Set<Promise<void>>(),
  };
  readonly #wrong: string[] = [];
  readonly #decidedOrders: DecidedOrder[] = [];
  readonly #end = new AbortController();
  #window = new Window();
  #timer: NodeJS.Timeout | undefined;
  #made = 0;
  readonly #system: FaultSystem;
  readonly #options: LoadOptions;

  constructor(system: FaultSystem, options: LoadOptions) {
    this.#system = system;
    this.#options = options;
    // Two random sources, so that the clients' requests do not depend on the times of bad messages.
    const below = (what: string) => {
      const random = seededRandom(`${options.seed} ${what}`);
      return (limit: number) => Math.floor(random() * limit);
    };
    this.#requests = new Requests(`f${options.seed}`, below('requests'), (path) =>
      usualIdKey(path, system.cluster.system.tokens),
    );
    this.#rawPublisher = new RawPublisher(system.cluster, `f${options.seed}`, below('by hand'));
  }

  /** Creates the products, then sends requests until `stop`. */
  async start(): Promise<void> {
    await Promise.all(
      this.#requests.products.map((product) =>
        // No key is used. If the first answer comes too late, the repeat responds that the product exists.
        eventually(`${product.productId} is on sale`, async () => {
          const { status, text } = await this.#system.central.post('/products', product, { prefer: 'wait=30' });
          if (status !== 201 && status !== 409) throw new Error(`${status} ${text}`);
          return true;
        }),
      ),
    );
    this.#rawPublisher.start();
    const startedAt = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedAt) * this.#options.requestsPerSecond) / 1000;
      // After a pause of this process, only ten of the due requests are made at once.
      for (let n = 0; n < 10 && this.#made < due; n += 1) this.#make();
      if (this.#made < due - 10) this.#made = Math.floor(due);
    }, TICK_MS);
  }

  /** Ends the load. A request in flight gets its answer, or becomes unknown. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const late = setTimeout(() => this.#end.abort(), 120_000);
    const underWay = () => Object.values(this.#underWay).flatMap((works) => [...works]);
    while (underWay().length > 0) await Promise.all(underWay());
    clearTimeout(late);
    await this.#rawPublisher.stop();
  }

  /** All requests so far. Those without an answer are unknown. */
  get asked(): Asked[] {
    return this.#kept.map(({ token, known, rows }) => ({ token, known, rows }));
  }

  /** Tokens by command id, for commands whose rows do not contain their token. */
  get tokens(): ReadonlyMap<string, string> {
    return new Map(this.#kept.flatMap(({ commandId, token }) => (commandId === undefined ? [] : [[commandId, token]])));
  }

  /** Answers that no client may get, even while parts of the system are away. */
  get wrongAnswers(): readonly string[] {
    return this.#wrong;
  }

  /** Some orders that clients know to be decided, the oldest first. */
  get decidedOrders(): readonly DecidedOrder[] {
    return this.#decidedOrders;
  }

  /** What clients observe since the last call of `nextWindow`. */
  get window(): Window {
    return this.#window;
  }

  /** Starts a window: the observations of clients from now until the next call. */
  nextWindow(): Window {
    const window = this.#window;
    window.close();
    this.#window = new Window();
    return window;
  }

  #make(): void {
    this.#made += 1;
    const planned = this.#requests.next();
    const kind: Kind = planned.some(({ decided }) => decided) ? 'decided' : 'accepted';
    if (this.#hasRoom(kind)) this.#track(kind, this.#askInTurn(planned));
    if (this.#made % this.#options.badEvery === 0 && this.#hasRoom('raw')) {
      const { message, requests } = this.#rawPublisher.next();
      const kept = requests.map((each) => this.#keep(each));
      this.#track(
        'raw',
        this.#rawPublisher.put(message, this.#end.signal).then((isConfirmed) => {
          for (const each of kept) each.known = isConfirmed ? 'acknowledged' : 'unknown';
        }),
      );
    }
  }

  #hasRoom(kind: Kind): boolean {
    return this.#underWay[kind].size < UNDER_WAY_MAX[kind];
  }

  #track(kind: Kind, work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay[kind].delete(tracked));
    this.#underWay[kind].add(tracked);
  }

  #keep({ token, rows, commandId }: RawPlanned): Kept {
    const kept: Kept = { token, rows, known: 'unknown', ...(commandId !== undefined && { commandId }) };
    this.#kept.push(kept);
    return kept;
  }

  /**
   * Sends the requests one after the other, because a cart is filled before it is ordered. The next request is sent
   * only after an answer to the previous one.
   */
  async #askInTurn(planned: readonly Planned[]): Promise<void> {
    for (const each of planned) {
      const kept = this.#keep(each);
      kept.known = await (each.decided ? this.#askForDecision(each) : this.#askForAcceptance(each));
      if (kept.known !== 'acknowledged') return;
    }
  }

  async #askForAcceptance(planned: Planned): Promise<Asked['known']> {
    const sentAt = performance.now();
    for (;;) {
      const said = await this.#send(planned);
      if (said.status === 202) {
        if (planned.waits !== true) this.#window.accepted(performance.now() - sentAt, said.isLocal);
        return 'acknowledged';
      }
      if (said.status === 201) {
        this.#noteDecided(said);
        return 'acknowledged';
      }
      this.#window.notAccepted(said.text);
      if (said.status !== 0 && said.status !== 503) {
        this.#wrong.push(`${planned.method} ${planned.path}: ${said.text}`);
        return 'unknown';
      }
      if (this.#end.signal.aborted) return 'unknown';
      await sleep(REPEAT_MS);
    }
  }

  /**
   * Sends a request that is decided within it, until it is done or certainly not done. While that is unknown the
   * request is repeated.
   */
  async #askForDecision(planned: Planned): Promise<Asked['known']> {
    for (;;) {
      const said = await this.#send(planned);
      if (said.status === 200 || said.status === 201) {
        this.#window.decided();
        return 'acknowledged';
      }
      if (said.problem === 'not-done') return 'refused';
      if (said.status !== 0 && said.status !== 503 && said.status !== 504) {
        this.#wrong.push(`${planned.method} ${planned.path}: ${said.text}`);
        return 'unknown';
      }
      if (this.#end.signal.aborted) return 'unknown';
      await sleep(REPEAT_MS);
    }
  }

  #noteDecided({ orderId, position }: DecidedOrder): void {
    this.#window.decided();
    this.#decidedOrders.push({ orderId, position });
    if (this.#decidedOrders.length > DECIDED_MAX) this.#decidedOrders.splice(1 + (this.#made % DECIDED_MAX), 1);
  }

  /** Sends a request. Status 0 stands for no answer. */
  async #send({ method, path, body, key, waits, atBranch }: Planned) {
    const { branch } = this.#options;
    const api = atBranch === true && branch !== undefined ? branch : this.#system.central;
    const sent = {
      [headers.idempotencyKey]: key,
      ...(waits === true && { [headers.prefer]: `wait=${DECISION_SECONDS}` }),
    };
    try {
      const said = await api.send(method, path, body, sent, ANSWER_MS);
      const { type = '', detail = '', orderId = '' } = (said.body ?? {}) as Record<string, string>;
      const problem = type.split(':').at(-1) ?? '';
      const isLocal = said.headers.get(headers.durability) === 'local';
      const position = said.headers.get(headers.position) ?? '';
      const text = `${said.status} ${problem} ${detail}`.trim();
      return { status: said.status, problem, isLocal, text, orderId, position };
    } catch (error) {
      const { message, cause } = error as Error;
      const text = cause instanceof Error ? `${message}: ${cause.message}` : message;
      return { status: 0, problem: '', isLocal: false, text, orderId: '', position: '' };
    }
  }
}
