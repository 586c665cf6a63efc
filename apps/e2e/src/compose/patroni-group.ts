import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Address } from '@eco/base';
import { composeContainers, PROJECT_DIR } from '@eco/cluster';
import { SideConnection } from '@eco/postgres';
import { eventually, type ContractGroup, type ContractNode } from '@eco/testing';
import type { Project } from './project.js';

/** Time limit of waits for a server, on a busy machine. */
export const WAIT = { deadlineMs: 180_000, pauseMs: 500 };

const KILL_SERVER = 'kill -9 "$(head -n 1 /var/lib/postgresql/data/node/postmaster.pid)"';

/** A replica lags when it has received so much less than the primary has written: several batches. */
const LAG_BYTES = 100_000;

interface Member {
  readonly Member: string;
  readonly Role: string;
  readonly State: string;
}

/** The first database group of compose.yaml, as Patroni and its servers show it. */
export class PatroniGroup {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  get nodes(): readonly string[] {
    return ['g1-1', 'g1-2', 'g1-3'];
  }

  replicasOf(primary: string): [string, string] {
    return this.nodes.filter((node) => node !== primary) as [string, string];
  }

  async leader(): Promise<string | undefined> {
    return (await this.#members()).find(({ Role, State }) => Role === 'Leader' && State === 'running')?.Member;
  }

  /** The primary, once both replicas follow it and count. */
  untilWhole(): Promise<string> {
    return eventually(
      'a primary with both replicas',
      async () => {
        const all = await this.#members();
        const following = all.filter(({ Role, State }) => Role === 'Quorum Standby' && State === 'streaming');
        return following.length === 2 ? all.find(({ Role }) => Role === 'Leader')?.Member : undefined;
      },
      WAIT,
    );
  }

  untilOther(primary: string): Promise<unknown> {
    return eventually(
      'another primary',
      async () => {
        const leader = await this.leader();
        return leader !== undefined && leader !== primary;
      },
      WAIT,
    );
  }

  /** Ends the server as kill -9 does. Its Patroni goes on. */
  async killServer(node: string): Promise<void> {
    await this.#project.compose('exec', '-T', node, 'bash', '-c', KILL_SERVER);
  }

  /** Ends the server of the first of these nodes that says that it is the primary after `lose`, at once. */
  async killWhenPromoted(nodes: readonly string[], lose: () => Promise<void>): Promise<void> {
    // A shell in each node, because `exec` takes most of a second.
    const shells = nodes.map((node) =>
      spawn('docker', ['compose', 'exec', '-T', node, 'bash'], {
        cwd: PROJECT_DIR,
        stdio: ['pipe', 'ignore', 'inherit'],
      }),
    );
    const ended = shells.map((shell) => once(shell, 'exit'));
    const connections = nodes.map((node) => this.#connect(node));
    try {
      // The connections are open before.
      await Promise.all(connections.map((each) => each.ask('SELECT 1', [], 30_000)));
      await lose();
      const promoted = await eventually(
        'a promotion',
        async () => {
          const answers = await Promise.all(
            connections.map((each) => each.ask<{ is: boolean }>('SELECT NOT pg_is_in_recovery() AS is', [], 5000)),
          );
          const index = answers.findIndex(([row]) => row?.is === true);
          return index < 0 ? undefined : { index };
        },
        { ...WAIT, pauseMs: 5 },
      );
      shells[promoted.index]?.stdin.end(`${KILL_SERVER}\n`);
    } finally {
      connections.forEach((each) => each.close());
      for (const shell of shells) shell.stdin.end();
      await Promise.all(ended);
    }
  }

  /**
   * Keeps a replica from receiving anything, and resolves when it lags. Its connection stays open, for as long as the
   * primary waits for an answer. `resumeReceiver` ends that.
   */
  async holdReceiver(primary: string, replica: string): Promise<void> {
    using connection = this.#connect(primary);
    using held = this.#connect(replica);
    const [receiver] = await held.ask<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver', [], 30_000);
    await this.#project.compose('exec', '-T', replica, 'bash', '-c', `kill -STOP ${receiver?.pid}`);
    await eventually(
      `${replica} lags`,
      async () => {
        const [row] = await connection.ask<{ lags: boolean }>(
          `SELECT pg_current_wal_flush_lsn() - flush_lsn > ${LAG_BYTES} AS lags FROM pg_stat_replication
           WHERE application_name = $1`,
          [replica],
          30_000,
        );
        return row?.lags === true;
      },
      { ...WAIT, pauseMs: 50 },
    );
  }

  async resumeReceiver(replica: string): Promise<void> {
    const receiver = `ps -o pid= -o args= -A | awk '/[w]alreceiver/ { print $1 }'`;
    await this.#project.compose('exec', '-T', replica, 'bash', '-c', `kill -CONT $(${receiver})`);
  }

  /** The group as the contract of databases sees it. */
  contractGroup(): ContractGroup {
    const nodes = this.nodes.map((name) => this.#contractNode(name));
    return {
      nodes,
      login: (role) => this.#project.system.databaseLogin(role),
      primary: async () => {
        const primary = await this.untilWhole();
        return nodes.find(({ name }) => name === primary) as ContractNode;
      },
    };
  }

  #contractNode(name: string): ContractNode {
    const compose = async (...args: string[]) => void (await this.#project.compose(...args));
    return {
      ...this.#addressOf(name),
      name,
      isRunning: async () =>
        (await composeContainers()).some(({ service, state }) => service === name && state === 'running'),
      kill: () => compose('kill', name),
      start: () => compose('up', '--detach', '--no-deps', '--wait', name),
      pause: () => compose('pause', name),
      resume: () => compose('unpause', name),
      cutOff: () => this.#project.cutOff(name),
      reconnect: () => this.#project.reconnect(name),
    };
  }

  #addressOf(node: string): Address {
    const address = this.#project.system.layout.groups[0]?.nodes.find(({ name }) => name === node);
    if (address === undefined) throw new Error(`there is no node ${node}`);
    return address;
  }

  #connect(node: string): SideConnection {
    return new SideConnection(
      this.#addressOf(node),
      this.#project.system.databaseLogin('postgres'),
      'eco compose faults',
    );
  }

  /** Asked at any database that answers. */
  async #members(): Promise<Member[]> {
    const failures: string[] = [];
    for (const node of this.nodes) {
      const file = `/run/eco/${node}.patroni.yml`;
      const command = ['timeout', '15', 'patronictl', '--config-file', file, 'list', 'g1', '--format', 'json'];
      const said = await this.#project.compose('exec', '-T', node, ...command).catch((error: Error) => error);
      if (!(said instanceof Error)) return JSON.parse(said.stdout) as Member[];
      failures.push(said.message);
    }
    throw new Error(failures.join('; '));
  }
}
