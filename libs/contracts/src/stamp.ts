import { z } from 'zod';

/**
 * Hybrid-clock stamp: `<ms since 1970, 15 digits>-<counter, 5 digits>-<sender>`. Stamps are ordered as text. They never
 * repeat or run back within one sender, and contain the time of the command. A cart keeps the highest stamp per item,
 * so edits may arrive in any order.
 */
export const stampSchema = z
  .string()
  .regex(/^\d{15}-\d{5}-[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be a hybrid-clock stamp')
  .meta({ description: 'Hybrid-clock stamp', examples: ['001795521600000-00000-central-api-1'] });

export type Stamp = z.infer<typeof stampSchema>;

/**
 * Greatest difference between correct clocks, ms. A sender's stamp is at most this far ahead of the group's clock as
 * the sender sees it. Within this range a writer orders by arrival, not by stamps.
 */
export const CLOCK_SKEW_MS_MAX = 1_000;

/**
 * A stamp further ahead of the group's clock than this, ms, is refused. An API that has seen its group is at most
 * `CLOCK_SKEW_MS_MAX` ahead. An API that has seen no database since its start uses its machine's clock. Kerberos
 * tolerates five minutes, too (RFC 4120), and a synchronised clock is never that far ahead.
 */
export const STAMP_AHEAD_MS_MAX = 300_000;

/** The next stamp of one sender: later than `previous`, even if the wall clock stopped or ran back. */
export function nextStamp(previous: Stamp | undefined, nowMs: number, sender: string): Stamp {
  let ms = nowMs;
  let counter = 0;
  if (previous !== undefined) {
    const previousMs = stampMs(previous);
    if (previousMs >= nowMs) {
      ms = previousMs;
      counter = Number(previous.slice(16, 21)) + 1;
      if (counter > 99_999) {
        ms += 1;
        counter = 0;
      }
    }
  }
  return stampOf(ms, counter, sender);
}

export function stampOf(ms: number, counter: number, sender: string): Stamp {
  return `${String(ms).padStart(15, '0')}-${String(counter).padStart(5, '0')}-${sender}`;
}

/** Creation time by the sender's clock, ms since 1970. */
export function stampMs(stamp: Stamp): number {
  return Number(stamp.slice(0, 15));
}

export function senderOf(stamp: Stamp): string {
  return stamp.slice(22);
}

const SENDER_LENGTH_MAX = 64;
/** Length of the random part of a sender, with its dot. */
const SUFFIX_LENGTH = 9;

/**
 * The part before the last dot in the senders of a broker user's stamps. Branches whose ids are equal in their first 48
 * characters share it.
 */
export function stampOwnerOf(user: string): string {
  return user.slice(0, SENDER_LENGTH_MAX - SUFFIX_LENGTH);
}

/** Whether this broker user's processes make stamps with this sender. */
export function ownsStamp(user: string, stamp: Stamp): boolean {
  const owner = stampOwnerOf(user);
  const sender = senderOf(stamp);
  return sender.lastIndexOf('.') === owner.length && sender.startsWith(owner);
}

/**
 * Days after which a command is no longer carried out. Data that must outlast its command (an outcome, a tombstone, an
 * item that an older edit must not undo) is kept for this time and may be removed afterwards.
 */
export const COMMAND_DAYS_MAX = 90;

/** A text that sorts before every stamp made at this time or later. */
export function stampFrom(ms: number): string {
  return String(Math.max(0, ms)).padStart(15, '0');
}

/** The highest of these; undefined when there is none. */
export function highestStamp(...stamps: readonly (Stamp | null | undefined)[]): Stamp | undefined {
  let highest: Stamp | undefined;
  for (const stamp of stamps) {
    if (stamp !== null && stamp !== undefined && (highest === undefined || stamp > highest)) highest = stamp;
  }
  return highest;
}
