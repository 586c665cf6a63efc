import { COMMAND_MESSAGE_VERSION, MAX_COMMANDS_PER_MESSAGE, MAX_MESSAGE_BYTES } from '@eco/contracts';
import { WaitingCommands } from './gathering.js';
import type { PublishOutcome } from './publish-outcome.js';

const BEFORE = `{"version":${COMMAND_MESSAGE_VERSION},"commands":[`;
export const BETWEEN = ',';
const AFTER = ']}';

/** A command that is published and not settled, or several that are sent in one message and settle together. */
export interface OutgoingCommand {
  /** The command as JSON. Several commands are joined by `BETWEEN`. */
  readonly text: string;
  readonly count: number;
  readonly bytes: number;
  readonly wantsReply: boolean;
  /** Settles the command. Only the first call has an effect. */
  settle(outcome: PublishOutcome): void;
}

export interface OutgoingMessage {
  readonly commands: OutgoingCommand[];
  readonly content: Buffer;
  readonly wantsReply: boolean;
  readonly sentAtMs: number;
  /** The broker returned the message because no queue takes it. The confirm follows nevertheless. */
  returned: boolean;
  /** One of its commands was not confirmed before its deadline. */
  overdue: boolean;
}

/**
 * A caller whose command was confirmed often sends the next one at once. After a message of at least `commandsMin`
 * commands, the next message waits for these callers: for `share` of the time that the confirm took, at most `msMax`.
 * Otherwise two halves of the callers would alternate, in twice as many messages.
 */
const LINGER = { commandsMin: 8, share: 0.25, msMax: 20 };

/**
 * Commands for one queue, one message in flight at a time. Commands that arrive meanwhile wait for its confirm and then
 * go out together. So the busier the system, the fewer messages an order costs, and an idle system waits for no timer.
 * The message in flight also probes the queue: while its confirm is overdue, no further command is accepted.
 */
export class OutgoingQueue {
  readonly routingKey: string;
  readonly #transmit: (queue: OutgoingQueue, message: OutgoingMessage) => boolean;
  readonly #waiting = new WaitingCommands<OutgoingCommand>(
    { commands: MAX_COMMANDS_PER_MESSAGE, bytes: MAX_MESSAGE_BYTES },
    { aroundBytes: BEFORE.length + AFTER.length, betweenBytes: BETWEEN.length },
  );
  #underWay: OutgoingMessage | undefined;
  #lingering: NodeJS.Timeout | undefined;
  readonly #goOn: (queue: OutgoingQueue) => void;

  /**
   * `transmit` is called when a message can be sent; it returns false if it did not send. `goOn` is called when the
   * wait for further commands ends.
   */
  constructor(
    routingKey: string,
    transmit: (queue: OutgoingQueue, message: OutgoingMessage) => boolean,
    goOn: (queue: OutgoingQueue) => void,
  ) {
    this.#goOn = goOn;
    this.routingKey = routingKey;
    this.#transmit = transmit;
  }

  get underWay(): OutgoingMessage | undefined {
    return this.#underWay;
  }

  get waitingCount(): number {
    return this.#waiting.count;
  }

  add(command: OutgoingCommand): void {
    this.#waiting.add(command);
  }

  /** Sends the next message unless one is in flight, nothing waits, or more is about to arrive. */
  sendNext(): void {
    if (this.#underWay || this.#waiting.count === 0) return;
    if (this.#lingering && this.#waiting.count < MAX_COMMANDS_PER_MESSAGE) return;
    this.#endLinger();
    const commands = this.#waiting.takeMessage();
    const message: OutgoingMessage = {
      commands,
      content: Buffer.from(BEFORE + commands.map(({ text }) => text).join(BETWEEN) + AFTER),
      wantsReply: commands.some(({ wantsReply }) => wantsReply),
      sentAtMs: performance.now(),
      returned: false,
      overdue: false,
    };
    this.#underWay = message;
    if (this.#transmit(this, message)) return;
    this.#underWay = undefined;
    for (const command of commands) command.settle({ type: 'disconnected' });
  }

  /** Call it when the message in flight is confirmed, returned or nacked. */
  finish(message: OutgoingMessage, outcome: PublishOutcome): void {
    if (this.#underWay === message) this.#underWay = undefined;
    if (outcome.type === 'confirmed' && message.commands.length >= LINGER.commandsMin) {
      this.#linger(Math.min((performance.now() - message.sentAtMs) * LINGER.share, LINGER.msMax));
    }
    for (const command of message.commands) command.settle(outcome);
  }

  #linger(ms: number): void {
    this.#endLinger();
    this.#lingering = setTimeout(() => {
      this.#endLinger();
      this.#goOn(this);
    }, ms);
  }

  #endLinger(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
  }

  /**
   * Call it when the channel is lost. The message in flight then gets no answer, and no waiting command can be sent.
   */
  abandon(): void {
    const message = this.#underWay;
    if (message) this.finish(message, { type: 'unconfirmed', reason: 'connection-lost' });
    this.refuseWaiting({ type: 'disconnected' });
  }

  /** Settles the waiting commands, because they will not be sent soon. The message in flight can still be confirmed. */
  refuseWaiting(outcome: PublishOutcome): void {
    for (const command of this.#waiting.takeAll()) command.settle(outcome);
  }

  /** Call it when the command's deadline has passed. */
  expire(command: OutgoingCommand): void {
    if (this.#waiting.remove(command)) return command.settle({ type: 'full', reason: 'deadline' });
    if (this.#underWay?.commands.includes(command)) this.#underWay.overdue = true;
    command.settle({ type: 'unconfirmed', reason: 'deadline' });
  }
}
