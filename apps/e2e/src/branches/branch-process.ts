import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hostPort, type Address } from '@eco/base';
import { PROJECT_DIR, type Layout } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { Api, type Said } from '../system/system.js';
import { Line } from './line.js';

export interface BranchPlace {
  readonly branchId: string;
  readonly dataDir: string;
  readonly layout: Layout;
  /** Name of the service in the layout, which has the branch's secrets. */
  readonly service: string;
  readonly settings?: Readonly<Record<string, string>>;
}

const CLOCK = path.join(PROJECT_DIR, 'apps/e2e/dist/branches/shifted-clock.js');

/** The process of a branch, behind a line that can be cut, and with a clock that can be wrong. */
export class BranchProcess {
  readonly line = new Line();
  readonly branchId: string;
  readonly #place: BranchPlace;
  readonly #logFile: string;
  readonly #clockFile: string;
  #environment: Record<string, string> = {};
  #process: ChildProcess | undefined;
  #port = 0;
  #operatorsPort = 0;

  constructor(place: BranchPlace) {
    this.#place = place;
    this.branchId = place.branchId;
    this.#logFile = path.join(place.dataDir, 'log', `test-${place.branchId}.log`);
    this.#clockFile = path.join(place.dataDir, `clock-${place.branchId}`);
  }

  /** Folder of what the branch stores. */
  get dir(): string {
    return path.join(this.#place.dataDir, 'branches', this.branchId);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Lays the line. `ports`: free ports, which stay through restarts. */
  async open([port, operatorsPort]: readonly [number, number]): Promise<void> {
    const { layout, dataDir, branchId, service, settings } = this.#place;
    [this.#port, this.#operatorsPort] = [port, operatorsPort];
    const brokers = await this.line.to(layout.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort })));
    const readServices = layout.services.filter(({ app }) => app === 'read-service');
    const reads = await this.line.to(readServices.map((each) => ({ host: each.host, port: each.port ?? 0 })));
    this.setClock(0);
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      ECO_NAME: `test-${branchId}`,
      ECO_PORT: String(port),
      ECO_OPERATORS_PORT: String(operatorsPort),
      ECO_BROKERS: brokers.map(hostPort).join(','),
      ECO_READ_SERVICES: reads.map((address) => `http://${hostPort(address)}`).join(','),
      ECO_GROUP_IDS: layout.groups.map(({ id }) => id).join(','),
      ECO_SECRETS_FILE: path.join(dataDir, 'secrets', `${service}.json`),
      ECO_BRANCH_ID: branchId,
      ECO_BRANCH_DIR: this.dir,
      ECO_TEST_CLOCK: this.#clockFile,
      ...settings,
    };
  }

  /** Its next start uses other brokers. */
  async useBrokers(brokers: readonly Address[]): Promise<void> {
    this.#environment['ECO_BROKERS'] = (await this.line.to(brokers)).map(hostPort).join(',');
  }

  /** Resolves when it takes sales, ms after its start. */
  async start(): Promise<number> {
    const startedAt = performance.now();
    const log = openSync(this.#logFile, 'a');
    const main = path.join(PROJECT_DIR, 'apps/sucursal-api/dist/main.js');
    this.#process = spawn(process.execPath, ['--require', CLOCK, main], {
      stdio: ['ignore', log, log],
      env: this.#environment,
    });
    closeSync(log);
    await eventually(
      `${this.branchId} listens`,
      async () => {
        if (this.#process?.exitCode !== null) throw new Error(`it has ended with ${this.#process?.exitCode}`);
        return (await fetch(`${this.url}/health/live`, { signal: AbortSignal.timeout(1000) })).ok;
      },
      { deadlineMs: 180_000, pauseMs: 10 },
    );
    return performance.now() - startedAt;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    await once(running, 'exit');
  }

  async close(): Promise<void> {
    await this.end('SIGKILL');
    await this.line.close();
  }

  /** The clock of the branch is ahead by this time from now on. */
  setClock(aheadMs: number): void {
    writeFileSync(this.#clockFile, String(aheadMs));
    this.#process?.kill('SIGUSR2');
  }

  send(method: string, where: string, authorization: string, body?: unknown, key?: string): Promise<Said> {
    const headers = { authorization, ...(key !== undefined && { 'idempotency-key': key }) };
    return new Api(this.url).send(method, where, body, headers, 20_000);
  }
}
