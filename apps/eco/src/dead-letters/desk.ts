import { BrokerConnection, CommandPublisher } from '@eco/broker';
import type { Command } from '@eco/contracts';
import {
  askNodes,
  primaryOf,
  readDeadLetterResults,
  readOpenDeadLetters,
  SideConnection,
  type DeadLetterFilter,
  type KeptDeadLetter,
} from '@eco/database';
import { BadInput } from '../input.js';
import type { Target } from '../target.js';

/*
 * Where an operator works through dead letters. What is asked for goes to the group's writer as commands, like all that
 * changes data; what became of it is read from the rows that the writer wrote, not from answers, which may go lost.
 */

const ANSWER_MS = 10_000;
const PAGE = 200;
const CONNECT_MS = 10_000;
const PUBLISH_MS = 10_000;
/** A writer may have a backlog before it. */
const DECIDED_MS = 60_000;
const LOOK_MS = 100;

/** What is asked for about one dead letter. */
export interface Request {
  letter: KeptDeadLetter;
  command: Command;
}

/** What became of it, by the words of the table that shows it. */
export interface Result {
  letter: KeptDeadLetter;
  result: string;
  reason: string | null;
  /** It was asked for and did what was wanted. */
  isSettled: boolean;
}

export class Desk {
  readonly #nodes = new Map<string, SideConnection>();
  #publishing: { connection: BrokerConnection; publisher: CommandPublisher } | undefined;

  constructor(private readonly target: Target) {}

  get groups(): string[] {
    return this.target.groups.map(({ id }) => id);
  }

  /** For questions to the group's primary: what a replica shows may be a while ago. Throws BadInput when there is none. */
  async primary(group: string): Promise<SideConnection> {
    const known = this.#nodes.get(group);
    if (known !== undefined) return known;
    const login = this.target.login('eco_reader');
    const nodes = this.target.groups.find(({ id }) => id === group)?.nodes ?? [];
    const primary = primaryOf(await askNodes(nodes, login, ANSWER_MS));
    if (primary === undefined) throw new BadInput(`no primary of group ${group} answers: see "npx eco status"`);
    const node = new SideConnection(primary.node, login, 'eco dead-letters');
    this.#nodes.set(group, node);
    return node;
  }

  /** All open ones that match, oldest first, a page at a time: there may be many. */
  async *open(group: string, filter: DeadLetterFilter): AsyncGenerator<KeptDeadLetter> {
    const node = await this.primary(group);
    for (let after: KeptDeadLetter | undefined; ;) {
      const page = await readOpenDeadLetters(node, filter, { after, limit: PAGE });
      yield* page;
      after = page.at(-1);
      if (page.length < PAGE) return;
    }
  }

  /** Asks for these, waits until they are decided. Settles within about a minute. */
  async ask(group: string, requests: readonly Request[]): Promise<Result[]> {
    const publisher = await this.publisher();
    const outcomes = await Promise.all(requests.map(({ command }) => publisher.publish(command, { group })));
    const results: Result[] = [];
    const waiting = new Map<string, Request>();
    outcomes.forEach((outcome, index) => {
      const request = requests[index] as Request;
      const { letter } = request;
      if (outcome.type === 'confirmed' || outcome.type === 'unconfirmed') waiting.set(keyOf(letter), request);
      else results.push({ letter, result: `not sent: ${outcome.type}`, reason: null, isSettled: false });
    });
    const node = await this.primary(group);
    for (const endMs = performance.now() + DECIDED_MS; waiting.size > 0 && performance.now() < endMs;) {
      const asked = [...waiting.values()].map(({ letter }) => ({ ...letter, number: letter.lastNumber + 1 }));
      for (const row of await readDeadLetterResults(node, asked)) {
        const request = waiting.get(keyOf(row)) as Request;
        waiting.delete(keyOf(row));
        results.push(resultOf(request, row));
      }
      if (waiting.size > 0) await pause(LOOK_MS);
    }
    for (const { letter } of waiting.values()) {
      const reason = 'the writer has not decided it yet, or somebody else has closed it: look again later';
      results.push({ letter, result: 'not known', reason, isSettled: false });
    }
    return results;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
    await this.#publishing?.publisher.stop();
    await this.#publishing?.connection.stop();
  }

  private async publisher(): Promise<CommandPublisher> {
    if (this.#publishing !== undefined) return this.#publishing.publisher;
    const access = { brokers: this.target.brokers, ...this.target.operator };
    const connection = new BrokerConnection({ access, name: 'eco dead-letters' });
    // The group is always said: a dead letter is settled where it lies.
    const publisher = new CommandPublisher({ connection, groupOf: () => '', deadlineMs: PUBLISH_MS });
    connection.start();
    publisher.start();
    this.#publishing = { connection, publisher };
    for (const endMs = performance.now() + CONNECT_MS; publisher.obstacle !== undefined; await pause(LOOK_MS)) {
      if (performance.now() > endMs) throw new BadInput(`${publisher.obstacle}: see "npx eco status"`);
    }
    return publisher;
  }
}

function resultOf(
  { letter, command }: Request,
  row: { action: string; result: string; reason: string | null },
): Result {
  const action = command.kind === 'dead-letter.discard' ? 'discard' : 'replay';
  if (row.action !== action) {
    return { letter, result: `not done: somebody else asked for a ${row.action}`, reason: null, isSettled: false };
  }
  const isSettled = row.result !== 'dead-letter' && row.result !== 'key-conflict';
  return { letter, result: row.result, reason: isSettled ? null : row.reason, isSettled };
}

function keyOf({ commandId, bodyHash }: { commandId: string; bodyHash: string }): string {
  return `${commandId} ${bodyHash}`;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
