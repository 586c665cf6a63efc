import path from 'node:path';
import type { Components } from '../cpu.js';
import { startProgram, type ForkedProgram } from '../forked-program.js';
import type { Committed, MeasuredSystem } from '../measured-system.js';
import type { MonolithDatabase } from './monolith-database.js';
import type { MonolithSettings } from './main.js';

/** The monolith as a measured system: a process that responds when its transaction is committed. */
export class Monolith implements MeasuredSystem {
  readonly name = 'monolith';
  readonly #program: ForkedProgram;
  readonly #database: MonolithDatabase;
  readonly #databases: Components;

  private constructor(program: ForkedProgram, database: MonolithDatabase, databases: Components) {
    this.#program = program;
    this.#database = database;
    this.#databases = databases;
  }

  static async start(
    database: MonolithDatabase,
    poolSize: number,
    databases: Components,
    signal: AbortSignal,
  ): Promise<Monolith> {
    const settings: MonolithSettings = { database: database.login, poolSize };
    const program = await startProgram(path.join(__dirname, 'main.js'), settings, signal);
    return new Monolith(program, database, databases);
  }

  get url(): string {
    return this.#program.url;
  }

  get components(): Components {
    return { API: [this.#program.pid], ...this.#databases };
  }

  mark(): Promise<number> {
    return this.#database.lastOrder();
  }

  async committedSince(mark: number): Promise<Committed> {
    const lastMs = performance.now();
    return { orders: await this.#database.ordersAfter(mark), rejected: 0, lastMs };
  }

  end(): Promise<void> {
    return this.#program.end();
  }
}
