import { sleep } from '@eco/base';
import type { RunningDatabase } from '@eco/cluster';
import { SideConnection } from '@eco/postgres';
import { eventually } from '@eco/testing';
import type { FaultSystem } from '../faults/fault-system.js';

const PAUSE_MS = 50;
const ANSWER_MS = 2000;

/**
 * A client that knows only one node, and goes on writing to it while another one takes its place. What the node
 * acknowledges must be at the new primary, so after its loss it can acknowledge nothing.
 */
export class OldPrimary {
  static #count = 0;
  readonly #system: FaultSystem;
  readonly #acknowledged: string[] = [];
  readonly #connection: SideConnection;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;

  private constructor(system: FaultSystem, node: RunningDatabase) {
    this.#system = system;
    this.#connection = new SideConnection(node, system.login('postgres'), 'eco faults old primary');
    this.#done = this.#run((OldPrimary.#count += 1));
  }

  static async open(system: FaultSystem, node: RunningDatabase): Promise<OldPrimary> {
    await system.sql('CREATE TABLE IF NOT EXISTS public.acknowledged (name text PRIMARY KEY)', [], {
      role: 'postgres',
    });
    const client = new OldPrimary(system, node);
    await eventually(`${node.name} acknowledges a row`, () => client.#acknowledged.length > 0);
    return client;
  }

  /** Throws if it acknowledged a row that the present primary lacks. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#done;
    const lost = await this.#system.sql<{ name: string }>(
      'SELECT name FROM unnest($1::text[]) AS asked(name) WHERE name NOT IN (SELECT a.name FROM public.acknowledged a)',
      [this.#acknowledged],
      { role: 'postgres' },
    );
    const names = lost.map(({ name }) => name).join(', ');
    if (lost.length > 0) throw new Error(`the old primary acknowledged what the new one lacks: ${names}`);
  }

  async #run(count: number): Promise<void> {
    for (let row = 0; !this.#end.signal.aborted; row += 1) {
      const name = `${count}.${row}`;
      await this.#connection.ask('INSERT INTO public.acknowledged (name) VALUES ($1)', [name], ANSWER_MS).then(
        () => this.#acknowledged.push(name),
        () => undefined,
      );
      await sleep(PAUSE_MS, this.#end.signal);
    }
    this.#connection.close();
  }
}
