import { COMMAND_MESSAGE_VERSION, MAX_COMMANDS_PER_MESSAGE, MAX_MESSAGE_BYTES } from '@eco/contracts';
import { WaitingCommands } from './gathering.js';
import type { PublishOutcome } from './publish-outcome.js';

const BEFORE = `{"version":${COMMAND_MESSAGE_VERSION},"commands":[`;
export const BETWEEN = ',';
const AFTER = ']}';

/** A command whose publishing has not been settled; or several, which go out in one message and settle together. */
export interface OutgoingCommand {
  /** As JSON; made once. Of several, with `BETWEEN` between them. */
  readonly text: string;
  readonly count: number;
  readonly bytes: number;
  readonly wantsReply: boolean;
  /** The first call counts, later ones are ignored. */
  settle(outcome: PublishOutcome): void;
}

export interface OutgoingMessage {
  readonly commands: OutgoingCommand[];
  readonly content: Buffer;
  readonly wantsReply: boolean;
  readonly sentAtMs: number;
  /** The broker found no queue for it; its confirm follows all the same. */
  returned: boolean;
  /** A command in it was not confirmed before its deadline. */
  overdue: boolean;
}

/**
 * Whose command is confirmed often has another one. After a message of so many the next one waits for those, for a part
 * of the time that the confirm took: else two halves of the callers would take turns, in twice as many messages.
 */
const LINGER = { commandsMin: 8, share: 0.25, msMax: 20 };

/**
 * Commands to one queue, one message under way at a time. What arrives meanwhile waits for its confirm and then goes
 * out together: the busier it is, the fewer messages an order costs, and when it is idle nothing waits for a timer.
 * The message under way also probes the queue: while its confirm is overdue, no further command is taken.
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

  /** `transmit` is asked when a message could go; false: it did not. `goOn` is called when a wait for more is over. */
  constructor(
    routingKey: string,
    transmit: (queue: OutgoingQueue, message: OutgoingMessage) => boolean,
    private readonly goOn: (queue: OutgoingQueue) => void,
  ) {
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

  /** Sends the next message unless one is under way, nothing waits, or more is about to come. */
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

  /** Confirmed, returned, nacked: the message under way has an answer. */
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
      this.goOn(this);
    }, ms);
  }

  #endLinger(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
  }

  /** The channel is gone: nobody will answer for the message under way, and nothing that waits can go out. */
  abandon(): void {
    const message = this.#underWay;
    if (message) this.finish(message, { type: 'unconfirmed', reason: 'connection-lost' });
    this.refuseWaiting({ type: 'disconnected' });
  }

  /** What waits will not go out soon. The message under way keeps its chance. */
  refuseWaiting(outcome: PublishOutcome): void {
    for (const command of this.#waiting.takeAll()) command.settle(outcome);
  }

  /** The command's deadline has passed. */
  expire(command: OutgoingCommand): void {
    if (this.#waiting.remove(command)) return command.settle({ type: 'full', reason: 'deadline' });
    if (this.#underWay?.commands.includes(command)) this.#underWay.overdue = true;
    command.settle({ type: 'unconfirmed', reason: 'deadline' });
  }
}
