import type { PublishOutcome } from '@eco/broker';
import { MAX_COMMANDS_PER_MESSAGE } from '@eco/contracts';

/*
 * The rules of a journal, without a file, a broker or a clock.
 *
 * Commands for one queue are one lane and leave it in order of arrival. While a lane holds commands, a new one joins
 * its tail. It then does not overtake them, and its client does not wait for a broker that has just failed to confirm.
 * So only the first unconfirmed command costs a wait.
 *
 * The relay's next message also probes whether the brokers confirm again: a single command after a failure, and twice
 * as many after each confirm.
 *
 * A message may fail because no queue takes it, or because the broker refuses it over an exchange or a permission. It
 * waits and raises an alarm, because an operator must repair the topology. A message that the broker refuses for its
 * content would block the lane forever. Halving finds the bad command, and it alone is parked, where operators see it.
 */

/** State of a lane between two tries. It is not stored: after a restart every lane is `FRESH`. */
export interface Lane {
  /** Most commands of the next message. */
  readonly most: number;
  /** Consecutive failed tries. */
  readonly failures: number;
  /** Text that names the failure an operator must repair. */
  readonly alarm: string | undefined;
}

export const FRESH: Lane = { most: MAX_COMMANDS_PER_MESSAGE, failures: 0, alarm: undefined };

/** Consequence for the commands of a tried message. `park` concerns a single command only. */
export interface Verdict {
  readonly of: 'remove' | 'keep' | 'park';
  readonly lane: Lane;
}

/** AMQP's code for an unacceptable message: too large, or with forbidden properties. */
const PRECONDITION_FAILED = 406;

/** A command goes straight to the brokers only if its lane is empty; otherwise it is appended to the lane. */
export function mustAppend(depth: number): boolean {
  return depth > 0;
}

/** Whether a command of this size fits. Check this before accepting it. */
export function hasRoom(usedBytes: number, bytes: number, limitBytes: number): boolean {
  return usedBytes + bytes <= limitBytes;
}

/** Part that one client may take of the space that the other clients leave. It never takes more than it leaves. */
const CLIENT_PART = 1 / 2;
/** The same for clients without a token, all together, because anybody can be one. */
const STRANGERS_PART = 1 / 4;

export interface ShareUse {
  /** The client. Undefined: a client without a token. */
  readonly client: string | undefined;
  /** Bytes of this client in the journal. */
  readonly ownBytes: number;
  /** Bytes of all clients in the journal. */
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/**
 * Whether a client may keep this command, too. Each client has a share of the free space, so no client can fill the
 * journal: as long as one more command fits into its share, a client that has none there can order.
 */
export function isWithinShare({ client, ownBytes, usedBytes, limitBytes }: ShareUse, bytes: number): boolean {
  const part = client === undefined ? STRANGERS_PART : CLIENT_PART;
  return ownBytes + bytes <= part * (limitBytes - (usedBytes - ownBytes));
}

/** The verdict on a message of `count` commands. */
export function afterTry(lane: Lane, outcome: PublishOutcome, count: number): Verdict {
  const failures = lane.failures + 1;
  switch (outcome.type) {
    case 'confirmed':
      return { of: 'remove', lane: { most: twice(lane.most), failures: 0, alarm: undefined } };
    case 'returned':
      return { of: 'keep', lane: { most: 1, failures, alarm: 'no queue takes it' } };
    case 'refused':
      if (outcome.code !== PRECONDITION_FAILED) {
        return { of: 'keep', lane: { most: 1, failures, alarm: outcome.reason } };
      }
      if (count === 1) return { of: 'park', lane: { most: 1, failures: 0, alarm: undefined } };
      return { of: 'keep', lane: { most: Math.floor(count / 2), failures, alarm: undefined } };
    case 'nacked':
    case 'unconfirmed':
    case 'unrouted':
    case 'disconnected':
    case 'full':
      return { of: 'keep', lane: { most: 1, failures, alarm: undefined } };
  }
}

function twice(most: number): number {
  return Math.min(MAX_COMMANDS_PER_MESSAGE, most * 2);
}
