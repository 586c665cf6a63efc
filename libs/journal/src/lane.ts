import type { PublishOutcome } from '@eco/broker';
import { MAX_COMMANDS_PER_MESSAGE } from '@eco/contracts';

/*
 * The rules of a journal, without a file, a broker or a clock.
 *
 *   Commands to one queue are one lane, and leave it in the order in which they came.
 *   While a lane holds any, a new one joins its tail: it would overtake them otherwise, and would only wait for a broker
 *   that was just seen not to confirm. So after the first one that is not confirmed, nobody waits for a broker in vain.
 *   What the relay sends next is also what finds out whether the brokers confirm again: one command alone after a
 *   failure, twice as many after each confirm.
 *   A message that no queue takes, and one that the broker refuses for what stands around it (an exchange, a permission),
 *   waits and raises an alarm: somebody has to repair the topology. One that it refuses for what it is would stop
 *   the lane for ever: halves find the command, and alone it is set aside, where people see it.
 */

/** What is known of a lane between two tries. Nothing of it is stored: after a restart every lane is `FRESH`. */
export interface Lane {
  /** Commands that the next message may hold. */
  readonly most: number;
  /** Tries in a row that were in vain. */
  readonly failures: number;
  /** What a person has to repair. */
  readonly alarm: string | undefined;
}

export const FRESH: Lane = { most: MAX_COMMANDS_PER_MESSAGE, failures: 0, alarm: undefined };

/** A message's commands were tried; what becomes of them. `set-aside` is said of one command alone. */
export interface Verdict {
  readonly of: 'remove' | 'keep' | 'park';
  readonly lane: Lane;
}

/** AMQP's code for a message that can't be had as it is: too large, or with properties that are not allowed. */
const PRECONDITION_FAILED = 406;

/** A command goes straight to the brokers only if its lane is empty; otherwise it is appended to the lane. */
export function mustAppend(depth: number): boolean {
  return depth > 0;
}

/** Checked before anything is accepted. */
export function hasRoom(usedBytes: number, bytes: number, limitBytes: number): boolean {
  return usedBytes + bytes <= limitBytes;
}

/** `count` commands were sent in one message. */
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
