import { randomBytes } from 'node:crypto';
import type { ConfirmChannel, Message } from 'amqplib';
import { commandKinds, keyOf, senderNamed, type Command } from '@eco/contracts';
import type { BrokerConnection } from './connection.js';
import { settlesWithin, type Log } from '@eco/base';
import { ReconnectingChannel } from './reconnecting-channel.js';
import { BETWEEN, OutgoingQueue, type OutgoingCommand, type OutgoingMessage } from './outgoing-queue.js';
import type { PublishOutcome } from './publish-outcome.js';
import { ReplyWaits, type CommandReply } from './reply-waits.js';
import { commandRoutingKey, COMMANDS_EXCHANGE } from './topology.js';

export interface CommandPublisherOptions {
  /** The connection must carry no acknowledgements. */
  connection: BrokerConnection;
  /** The group that owns a key's bucket; undefined: unknown here. */
  groupOf: (key: string) => string | undefined;
  /** Longest time from `publish` to its outcome, ms. Default 2000. */
  deadlineMs?: number;
  /** Called for each message that was confirmed. */
  onConfirmed?: (confirm: { durationMs: number; commands: number }) => void;
  log?: Log;
}

export interface PublishOptions {
  /** Sends the command to this group, whichever group owns the key's bucket. */
  group?: string;
  /** The result of `queueOf`, if the caller has it already. */
  queue?: string;
  deadlineMs?: number;
}

const DEADLINE_MS = 2000;
/**
 * Limits of unsettled commands, and so of memory. They are higher than the number that one process can send within the
 * deadline above.
 */
const MAX_COMMANDS = 20_000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_REPLY_WAITS = 20_000;
/**
 * Frames buffered while the socket is full; each message takes two. With few queues the limit is only reached when one
 * is stalled.
 */
const MAX_BUFFERED_FRAMES = 64;
/** A broker that confirms nothing for this long is left for another one. */
const SILENT_BROKER_MS = 5000;
/** A queue whose message lacks its confirm for this long gets a new connection, whatever else the connection does. */
const STUCK_QUEUE_MS = 60_000;

const REPLY_QUEUE = 'amq.rabbitmq.reply-to';

/**
 * Publishes commands: persistent, mandatory, and confirmed by a majority of the brokers. Each call settles within its
 * deadline with what is known about its command. Nothing is kept for later, so a caller that must not lose a command
 * retries or keeps it elsewhere.
 *
 * `returned` and the confirm belong together: the broker also confirms a message that no queue takes, and returns it
 * first (`basic.return`, matched by message id).
 */
export class CommandPublisher {
  readonly #options: CommandPublisherOptions;
  readonly #connection: BrokerConnection;
  /** Id of the branch whose user this connection has. Undefined: the user is not a branch's. */
  readonly #branchId: string | undefined;
  readonly #channel: ReconnectingChannel<ConfirmChannel>;
  readonly #queues = new Map<string, OutgoingQueue>();
  readonly #messages = new Map<string, OutgoingMessage>();
  readonly #replies = new ReplyWaits(MAX_REPLY_WAITS);
  readonly #messageIdPrefix = randomBytes(8).toString('hex');
  readonly #outcomes: Record<PublishOutcome['type'], number> = {
    confirmed: 0,
    returned: 0,
    refused: 0,
    unrouted: 0,
    disconnected: 0,
    full: 0,
    nacked: 0,
    unconfirmed: 0,
  };
  readonly #idle = new Set<() => void>();
  #forgetConnection: () => void = () => undefined;
  #taking = false;
  #bufferFull = false;
  /** The reason why the broker is closing the current channel. */
  #refusal: { code: number; reason: string } | undefined;
  #messageCount = 0;
  #lastConfirmAtMs = 0;
  #unsettledCommands = 0;
  #unsettledBytes = 0;

  constructor(options: CommandPublisherOptions) {
    this.#options = options;
    this.#connection = options.connection;
    const sender = senderNamed(options.connection.user);
    this.#branchId = sender?.type === 'branch' ? sender.branchId : undefined;
    this.#channel = new ReconnectingChannel<ConfirmChannel>({
      connection: options.connection,
      name: 'commands',
      open: (model) => model.createConfirmChannel({ highWaterMark: MAX_BUFFERED_FRAMES }),
      prepare: (channel) => this.#prepare(channel),
      closed: () => this.#abandon(),
      ...(options.log ? { log: options.log } : {}),
    });
  }

  start(): void {
    if (this.#taking) return;
    this.#taking = true;
    this.#forgetConnection = this.#connection.onConnected((model) => {
      model.on('blocked', () => {
        for (const queue of this.#queues.values()) queue.refuseWaiting({ type: 'full', reason: 'blocked' });
      });
    });
    this.#channel.start();
  }

  /** Accepts nothing more, lets messages in flight settle, closes. */
  async stop(): Promise<void> {
    if (!this.#taking) return;
    this.#taking = false;
    if (this.#unsettledCommands > 0) {
      const deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS;
      await settlesWithin(deadlineMs, new Promise<void>((resolve) => this.#idle.add(resolve)));
    }
    this.#forgetConnection();
    await this.#channel.stop();
    this.#replies.forgetAll();
  }

  /** The reason why no command can be published now. Undefined: a command can be published, as far as known. */
  get obstacle(): string | undefined {
    if (!this.#taking) return 'stopped';
    const { state } = this.#connection;
    if (state.type === 'blocked') return `the brokers take nothing: ${state.reason}`;
    if (state.type !== 'connected')
      return `no connection to a broker: ${state.type === 'disconnected' ? state.error : state.type}`;
    if (!this.#channel.channel) return `no channel: ${this.#channel.lastError ?? 'it is being opened'}`;
    const stalled = [...this.#queues.values()].filter((queue) => queue.underWay?.overdue);
    return stalled.length === 0
      ? undefined
      : `no confirm in time from ${stalled.map(({ routingKey }) => routingKey).join(', ')}`;
  }

  get counts() {
    return {
      outcomes: { ...this.#outcomes },
      messages: this.#messageCount,
      unsettledCommands: this.#unsettledCommands,
      unsettledBytes: this.#unsettledBytes,
      replyWaits: this.#replies.count,
      repliesReceived: this.#replies.received,
      repliesLate: this.#replies.late,
    };
  }

  /** Name and routing key of the queue that `publish` would use; undefined: the group is not known. */
  queueOf(command: Command, group = this.#options.groupOf(keyOf(command))): string | undefined {
    if (group === undefined) return undefined;
    return commandRoutingKey(commandKinds[command.kind].route, group, this.#branchId);
  }

  publish(command: Command, { group, queue, deadlineMs }: PublishOptions = {}): Promise<PublishOutcome> {
    const wantsReply = command.reply === true;
    const to = queue ?? this.queueOf(command, group);
    if (to === undefined) {
      this.#outcomes.unrouted += 1;
      return Promise.resolve({ type: 'unrouted' });
    }
    return new Promise((resolve) =>
      this.#publish(to, deadlineMs, () => ({ text: JSON.stringify(command), count: 1, wantsReply }), resolve),
    );
  }

  /**
   * Publishes commands, as JSON, to `queue` in one message, in this order and with one outcome. The caller respects the
   * limits of a message (`MAX_COMMANDS_PER_MESSAGE`, `MAX_MESSAGE_BYTES`).
   */
  publishTogether(queue: string, commands: readonly string[]): Promise<PublishOutcome> {
    const together = { text: commands.join(BETWEEN), count: commands.length, wantsReply: false };
    return new Promise((resolve) => this.#publish(queue, undefined, () => together, resolve));
  }

  /**
   * Publishes and also asks the writer for the outcome. `answer` is undefined if none came within `waitMs`, or if the
   * command was not confirmed. Replies are best effort and lost with the connection; the outcome itself is not.
   */
  publishAndWait(
    command: Command,
    { waitMs, ...options }: PublishOptions & { waitMs: number },
  ): { outcome: Promise<PublishOutcome>; reply: Promise<CommandReply | undefined> } {
    const asking = { ...command, reply: true };
    const reply = this.#replies.add(command.stamp, waitMs);
    const outcome = this.publish(asking, options).then((settled) => {
      if (settled.type !== 'confirmed') this.#replies.forget(command.stamp);
      return settled;
    });
    return { outcome, reply: reply };
  }

  /** `write` is called once the command is accepted. */
  #publish(
    routingKey: string,
    deadlineMs: number | undefined,
    write: () => Pick<OutgoingCommand, 'text' | 'count' | 'wantsReply'>,
    resolve: (outcome: PublishOutcome) => void,
  ): void {
    const queue = this.#queueOf(routingKey);
    const obstacle = this.#obstacleOf(queue);
    if (obstacle) {
      this.#outcomes[obstacle.type] += 1;
      return resolve(obstacle);
    }
    const written = write();
    const bytes = Buffer.byteLength(written.text);
    let settled = false;
    const outgoing: OutgoingCommand = {
      ...written,
      bytes,
      settle: (outcome) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        this.#settled(outgoing, outcome);
        resolve(outcome);
      },
    };
    const timer = setTimeout(() => queue.expire(outgoing), deadlineMs ?? this.#options.deadlineMs ?? DEADLINE_MS);
    this.#unsettledCommands += written.count;
    this.#unsettledBytes += bytes;
    queue.add(outgoing);
    this.#sendNext(queue);
  }

  #sendNext(queue: OutgoingQueue): void {
    if (!this.#bufferFull && !this.#connection.isBlocked && this.#channel.channel) queue.sendNext();
  }

  /** The reason why the queue accepts no command now. Undefined: it accepts commands. Returns at once. */
  #obstacleOf(queue: OutgoingQueue): PublishOutcome | undefined {
    if (!this.#taking || !this.#channel.channel) return { type: 'disconnected' };
    if (this.#connection.isBlocked) return { type: 'full', reason: 'blocked' };
    const { underWay } = queue;
    if (underWay?.overdue) {
      this.#leaveSilentBroker(queue.routingKey, underWay);
      return { type: 'full', reason: 'stalled' };
    }
    if (this.#unsettledCommands >= MAX_COMMANDS || this.#unsettledBytes >= MAX_BYTES) {
      return { type: 'full', reason: 'memory' };
    }
    return undefined;
  }

  /** A stalled broker keeps its connections open, and heartbeats alone would need 6 to 9 s to notice it. */
  #leaveSilentBroker(routingKey: string, message: OutgoingMessage): void {
    const nowMs = performance.now();
    const brokerIsSilent = this.#lastConfirmAtMs < message.sentAtMs && nowMs - message.sentAtMs > SILENT_BROKER_MS;
    const queueIsStuck = nowMs - message.sentAtMs > STUCK_QUEUE_MS;
    if (brokerIsSilent || queueIsStuck) this.#connection.reconnect(`no confirm from ${routingKey}`);
  }

  #queueOf(routingKey: string): OutgoingQueue {
    let queue = this.#queues.get(routingKey);
    if (!queue) {
      queue = new OutgoingQueue(
        routingKey,
        (...sending) => this.#transmit(...sending),
        (waiting) => this.#sendNext(waiting),
      );
      this.#queues.set(routingKey, queue);
    }
    return queue;
  }

  #transmit(queue: OutgoingQueue, message: OutgoingMessage): boolean {
    const channel = this.#channel.channel;
    if (!channel) return false;
    this.#messageCount += 1;
    const messageId = `${this.#messageIdPrefix}-${this.#messageCount}`;
    const answered = (error: Error | null) => {
      this.#messages.delete(messageId);
      queue.finish(message, this.#outcomeOf(message, error));
      if (this.#channel.channel === channel) this.#sendNext(queue);
    };
    try {
      const hasRoom = channel.publish(
        COMMANDS_EXCHANGE,
        queue.routingKey,
        message.content,
        {
          persistent: true,
          mandatory: true,
          messageId,
          contentType: 'application/json',
          // The broker refuses a message that names another user than its connection's. Readers may therefore trust
          // this field.
          userId: this.#connection.user,
          ...(message.wantsReply ? { replyTo: REPLY_QUEUE } : {}),
        },
        answered,
      );
      this.#messages.set(messageId, message);
      if (!hasRoom) this.#bufferFull = true;
      return true;
    } catch {
      // amqplib throws when the channel has just begun to close: nothing was written.
      return false;
    }
  }

  #outcomeOf(message: OutgoingMessage, error: Error | null): PublishOutcome {
    if (error) {
      // amqplib distinguishes a nack from a closed channel only by its text. An unknown text counts as unconfirmed too.
      if (error.message === 'message nacked') return { type: 'nacked' };
      return this.#refusal ? { type: 'refused', ...this.#refusal } : { type: 'unconfirmed', reason: 'connection-lost' };
    }
    this.#lastConfirmAtMs = performance.now();
    if (message.returned) return { type: 'returned' };
    this.#options.onConfirmed?.({
      durationMs: this.#lastConfirmAtMs - message.sentAtMs,
      commands: message.commands.length,
    });
    return { type: 'confirmed' };
  }

  async #prepare(channel: ConfirmChannel): Promise<void> {
    this.#bufferFull = false;
    this.#refusal = undefined;
    channel.on('error', (error: Error & { code?: number }) => {
      // amqplib calls this before the callbacks of the messages in flight, of which each queue has one.
      if (error.code !== undefined && this.#messages.size === 1) {
        this.#refusal = { code: error.code, reason: error.message };
      }
    });
    channel.on('return', ({ properties }: Message) => {
      const message = this.#messages.get(String(properties.messageId));
      if (message) message.returned = true;
    });
    channel.on('drain', () => {
      this.#bufferFull = false;
      this.#sendAll();
    });
    // Replies arrive on the channel that asked. The broker offers this only to consumers without acknowledgements.
    await channel.consume(REPLY_QUEUE, (message) => message && this.#onReply(message), { noAck: true });
  }

  #onReply({ content }: Message): void {
    try {
      this.#replies.deliver(content);
    } catch (error) {
      this.#options.log?.warn({ error: (error as Error).message }, 'ignored a reply that cannot be read');
    }
  }

  #sendAll(): void {
    for (const queue of this.#queues.values()) this.#sendNext(queue);
  }

  #abandon(): void {
    this.#messages.clear();
    for (const queue of this.#queues.values()) queue.abandon();
    // Replies to the lost channel can't arrive any more.
    this.#replies.forgetAll();
  }

  #settled({ count, bytes }: OutgoingCommand, outcome: PublishOutcome): void {
    this.#outcomes[outcome.type] += count;
    this.#unsettledCommands -= count;
    this.#unsettledBytes -= bytes;
    if (this.#unsettledCommands > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }
}
