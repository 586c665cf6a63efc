import { randomBytes } from 'node:crypto';
import type { Address, Login } from '@eco/base';
import {
  idMadeBy,
  keyOf,
  nextStamp,
  type CommandBody,
  type CommandKind,
  type CommandOf,
  type Reply,
  type Stamp,
} from '@eco/contracts';
import { sendHeartbeat, settleBatch, startTerm, tryToLead, WriterSession, type LeaderTerm } from '@eco/writer';
import { newCommandId, type GroupPosition } from '@eco/routing';

/** A committed batch: the position from which it is visible, and the replies to its callers. */
export interface WrittenBatch {
  position: GroupPosition;
  replies: Reply[];
}

/**
 * Writes batches into a group by the writer's own pipeline (fence, load, decide, store), without a broker: for specs
 * of reads and for the benchmark.
 */
export class BatchWriter {
  readonly #timer: NodeJS.Timeout;
  /** The session's current work: it does one thing at a time. */
  #busy: Promise<unknown> = Promise.resolve();
  readonly #session: WriterSession;

  private constructor(
    session: WriterSession,
    readonly leaderTerm: LeaderTerm,
    heartbeatMs: number,
  ) {
    this.#session = session;
    this.#timer = setInterval(() => void this.confirm(), heartbeatMs);
  }

  /**
   * Starts a leadership on this server, the group's first unless another one is named. The server ends a session that is
   * silent for 11 s.
   */
  static async open(
    group: { readonly servers: readonly Address[]; login(role: 'eco_writer'): Login },
    server: Address = group.servers[0] as Address,
    heartbeatMs = 1_000,
  ): Promise<BatchWriter> {
    const session = await WriterSession.open({ host: server.host, port: server.port }, group.login('eco_writer'));
    if (!(await tryToLead(session))) throw new Error('another writer leads this group');
    return new BatchWriter(session, await startTerm(session), heartbeatMs);
  }

  /** Throws unless the batch was committed. As in the writer, a command that can’t be stored becomes a dead letter. */
  write(...commands: CommandOf<CommandKind>[]): Promise<WrittenBatch> {
    return this.#next(() => this.#writeBatch(commands));
  }

  /** Sends a heartbeat, which confirms the last batch. */
  async confirm(): Promise<void> {
    await this.#next(() => sendHeartbeat(this.#session, this.leaderTerm));
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#session.close();
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work);
    this.#busy = done.catch(() => undefined);
    return done;
  }

  async #writeBatch(commands: readonly CommandOf<CommandKind>[]): Promise<WrittenBatch> {
    const taken = commands.map((command) => ({
      // The dead-letter admin alone may discard and replay.
      arrived: { readable: true as const, command, sender: senderOfKind(command) },
      queue: 'orders',
      deliveryCount: 0,
    }));
    const settled = await settleBatch(this.#session, this.leaderTerm, taken);
    if (settled.type !== 'committed') {
      throw new Error(`the batch was not committed: ${settled.type}`, { cause: settled.error });
    }
    const { group, term, tag, seq } = settled.state.position;
    return { position: { group, term, tag, seq }, replies: settled.effects.replies };
  }
}

export function senderOfKind({ kind, replay }: Pick<CommandOf<CommandKind>, 'kind' | 'replay'>): string {
  return kind === 'dead-letter.discard' || replay !== undefined ? 'dead-letter-admin' : 'central';
}

let stamp: Stamp | undefined;

/** A command as a sender makes it. */
export function commandOf<K extends CommandKind>(kind: K, body: CommandBody<K>): CommandOf<K> {
  const nowMs = Date.now();
  stamp = nextStamp(stamp, nowMs, 'spec');
  const id = idMadeBy(kind, body) ?? newCommandId({ key: keyOf({ kind, body }), nowMs, random: randomBytes(10) });
  return { id, kind, body, stamp, sentBy: 'spec', correlationId: 'spec' } as unknown as CommandOf<K>;
}
