import { sleep } from '@eco/base';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import type { RunningSystem } from '@eco/cluster';
import type { Command } from '@eco/contracts';
import {
  readCommandResults,
  readDeadLetterResults,
  readOpenDeadLetters,
  readOwnedBuckets,
  type DeadLetterFilter,
  type KeptDeadLetter,
} from '@eco/database';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import { BadInput } from '../input.js';
import { discardOf } from './replay.js';

/*
 * The operator's tool for dead letters. Its actions go to the group's writer as commands, like every change of data.
 * Their results are read from the rows that the writer wrote and not from replies, which may be lost.
 */

const ANSWER_MS = 10_000;
const PAGE = 200;
const CONNECT_MS = 10_000;
const PUBLISH_MS = 10_000;
/** Time for a decision, ms. A writer may have a backlog of earlier commands. */
const DECIDED_MS = 60_000;
const LOOK_MS = 100;

/** A replay or discard of one dead letter. */
export interface DeadLetterRequest {
  letter: KeptDeadLetter;
  command: Command;
}

/** Result of an action, in the words of the printed table. */
export interface DeadLetterResult {
  letter: KeptDeadLetter;
  result: string;
  reason: string | null;
  /** True: the action had its intended effect. */
  isSettled: boolean;
}

export class DeadLetterAdmin {
  readonly #nodes = new Map<string, SideConnection>();
  /** Owner of each bucket. */
  #owners: Promise<Map<number, string>> | undefined;
  #publishing: { connection: BrokerConnection; publisher: CommandPublisher } | undefined;
  readonly #target: RunningSystem;

  constructor(target: RunningSystem) {
    this.#target = target;
  }

  get groups(): string[] {
    return this.#target.groups.map(({ id }) => id);
  }

  /** Connection to the group's primary, because a replica may be behind. Throws BadInput if there is none. */
  async primary(group: string): Promise<SideConnection> {
    const known = this.#nodes.get(group);
    if (known !== undefined) return known;
    const login = this.#target.databaseLogin('eco_operator');
    const nodes = this.#target.groups.find(({ id }) => id === group)?.nodes ?? [];
    const primary = primaryOf(await askNodes(nodes, login, ANSWER_MS));
    if (primary === undefined) throw new BadInput(`no primary of group ${group} answers: see "npx eco status"`);
    const node = new SideConnection(primary.node, login, 'eco dead-letters');
    this.#nodes.set(group, node);
    return node;
  }

  /** All matching open dead letters, the oldest first. They are read in pages, because there may be many. */
  async *open(group: string, filter: DeadLetterFilter): AsyncGenerator<KeptDeadLetter> {
    const node = await this.primary(group);
    for (let after: KeptDeadLetter | undefined; ;) {
      const page = await readOpenDeadLetters(node, filter, { after, limit: PAGE });
      yield* page;
      after = page.at(-1);
      if (page.length < PAGE) return;
    }
  }

  /**
   * Sends these actions on dead letters of `group` and waits until they are decided. A replay goes to the group that
   * owns the command's bucket: another group could only make it a dead letter again. Settles within a few minutes.
   */
  async ask(group: string, requests: readonly DeadLetterRequest[]): Promise<DeadLetterResult[]> {
    const byOwner = new Map<string | undefined, DeadLetterRequest[]>();
    for (const request of requests) {
      const owner = await this.#deciderOf(group, request);
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), request]);
    }
    const results: DeadLetterResult[] = [];
    for (const [owner, asked] of byOwner) {
      if (owner === undefined) results.push(...asked.map(unowned));
      else if (owner === group) results.push(...(await this.#askHere(group, asked)));
      else results.push(...(await this.#replayAt(owner, group, asked)));
    }
    return results;
  }

  /**
   * The group that decides a request. A discard closes the row where it is, and so does the replay of content without a
   * bucket.
   */
  async #deciderOf(group: string, { letter, command }: DeadLetterRequest): Promise<string | undefined> {
    if (command.kind === 'dead-letter.discard' || letter.bucket === null) return group;
    this.#owners ??= this.#readOwners();
    return (await this.#owners).get(letter.bucket);
  }

  async #readOwners(): Promise<Map<number, string>> {
    const owners = new Map<number, string>();
    for (const group of this.groups) {
      for (const bucket of await readOwnedBuckets(await this.primary(group))) owners.set(bucket, group);
    }
    return owners;
  }

  #askHere(group: string, requests: readonly DeadLetterRequest[]): Promise<DeadLetterResult[]> {
    return this.#send(group, requests, async (node, waiting) => {
      const asked = waiting.map(({ letter }) => ({ ...letter, number: letter.lastNumber + 1 }));
      return readDeadLetterResults(node, asked);
    });
  }

  /** `owner` decides the replays. Then the dead letters, which are in `group`, are closed there. */
  async #replayAt(owner: string, group: string, requests: readonly DeadLetterRequest[]): Promise<DeadLetterResult[]> {
    const decided = await this.#send(owner, requests, async (node, waiting) => {
      const rows = await readCommandResults(
        node,
        waiting.map(({ letter }) => letter),
      );
      return rows.map((row) => ({ ...row, action: 'replay' }));
    });
    const by = new Map(requests.map(({ letter, command }) => [keyOf(letter), command.replay?.by ?? 'eco']));
    const closing = decided
      .filter(({ isSettled }) => isSettled)
      .map(({ letter, result }) => {
        const reason = `replayed at group ${owner}, which owns its bucket: ${result}`;
        return { letter, command: discardOf(letter, { reason, by: by.get(keyOf(letter)) ?? 'eco' }) };
      });
    const closed = new Map((await this.#askHere(group, closing)).map((result) => [keyOf(result.letter), result]));
    return decided.map((each) => {
      const closure = closed.get(keyOf(each.letter));
      if (closure === undefined || closure.isSettled) return each;
      const reason = `group ${owner} has decided it, and group ${group} has not closed it yet: ${closure.result}`;
      return { ...each, reason, isSettled: false };
    });
  }

  /** Publishes these commands to the group, and reads their results from its database. */
  async #send(
    group: string,
    requests: readonly DeadLetterRequest[],
    look: (node: SideConnection, waiting: readonly DeadLetterRequest[]) => Promise<DecidedRow[]>,
  ): Promise<DeadLetterResult[]> {
    if (requests.length === 0) return [];
    const publisher = await this.#publisher();
    const outcomes = await Promise.all(requests.map(({ command }) => publisher.publish(command, { group })));
    const results: DeadLetterResult[] = [];
    const waiting = new Map<string, DeadLetterRequest>();
    outcomes.forEach((outcome, index) => {
      const request = requests[index] as DeadLetterRequest;
      const { letter } = request;
      if (outcome.type === 'confirmed' || outcome.type === 'unconfirmed') waiting.set(keyOf(letter), request);
      else results.push({ letter, result: `not sent: ${outcome.type}`, reason: null, isSettled: false });
    });
    const node = await this.primary(group);
    for (const endMs = performance.now() + DECIDED_MS; waiting.size > 0 && performance.now() < endMs;) {
      for (const row of await look(node, [...waiting.values()])) {
        const request = waiting.get(keyOf(row)) as DeadLetterRequest;
        waiting.delete(keyOf(row));
        results.push(resultOf(request, row));
      }
      if (waiting.size > 0) await sleep(LOOK_MS);
    }
    for (const { letter } of waiting.values()) {
      const reason = 'the writer has not decided it yet, or another operator has closed it: look again later';
      results.push({ letter, result: 'not known', reason, isSettled: false });
    }
    return results;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
    await this.#publishing?.publisher.stop();
    await this.#publishing?.connection.stop();
  }

  async #publisher(): Promise<CommandPublisher> {
    if (this.#publishing !== undefined) return this.#publishing.publisher;
    const access = this.#target.brokerAccess('dead-letter-admin');
    const connection = new BrokerConnection({ access, name: 'eco dead-letters' });
    // Every command names its group, so no owner is looked up.
    const publisher = new CommandPublisher({ connection, groupOf: () => undefined, deadlineMs: PUBLISH_MS });
    connection.start();
    publisher.start();
    this.#publishing = { connection, publisher };
    for (const endMs = performance.now() + CONNECT_MS; publisher.obstacle !== undefined; await sleep(LOOK_MS)) {
      if (performance.now() > endMs) throw new BadInput(`${publisher.obstacle}: see "npx eco status"`);
    }
    return publisher;
  }
}

interface DecidedRow {
  commandId: string;
  bodyHash: string;
  action: string;
  result: string;
  reason: string | null;
}

function unowned({ letter }: DeadLetterRequest): DeadLetterResult {
  const reason = `no group owns bucket ${letter.bucket} now: it may be moving, so try again later`;
  return { letter, result: 'not sent: no owner', reason, isSettled: false };
}

function resultOf({ letter, command }: DeadLetterRequest, row: DecidedRow): DeadLetterResult {
  const action = command.kind === 'dead-letter.discard' ? 'discard' : 'replay';
  if (row.action !== action) {
    return { letter, result: `not done: another operator requested a ${row.action}`, reason: null, isSettled: false };
  }
  const isSettled = row.result !== 'dead-letter' && row.result !== 'key-conflict';
  return { letter, result: row.result, reason: isSettled ? null : row.reason, isSettled };
}

function keyOf({ commandId, bodyHash }: { commandId: string; bodyHash: string }): string {
  return `${commandId} ${bodyHash}`;
}
