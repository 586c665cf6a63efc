import { z } from 'zod';

/*
 * Messages between versions. Senders and receivers are upgraded one after the other, and a journal or a dead letter may
 * be older than both. Writers are upgraded before the APIs that send to them.
 *
 * 1. A receiver ignores a field that it does not know, at any depth. A command keeps such fields: in the body they are part
 *    of the hash that distinguishes a repeat from a key conflict, and journals, dead letters and replays pass them on. So a
 *    command that an older writer has decided is a repeat for a newer one.
 * 2. So a sender may add a field if it is optional and an older receiver may ignore it. The sender omits it if it has no
 *    value, and the schema of a new body field leaves each sent value as it is (no default, no trimming): otherwise the
 *    hash would depend on the writer's version.
 * 3. A field that must not be ignored is not optional: it raises the version of the message. A writer refuses a newer
 *    version as a whole, and a kind of command that it does not know. Both become dead letters whose reason says to
 *    upgrade the writers.
 * 4. Newer values of an enumeration break no older receiver. A reply that an API does not know counts as none, so the client
 *    queries the outcome; an unknown reason of a refusal is the problem `command-refused`; a consumer skips changes of
 *    an unknown type. In `data` of a change the values are fixed: a new value is a new type of change.
 * 5. HTTP requests are strict: an unknown field is a violation, because a client that misspells a field must learn of it.
 */

/** Deeper values could exhaust the stack of the function that computes a hash. */
const UNKNOWN_LEVELS_MAX = 16;

const unknownFieldSchema = z
  .unknown()
  .refine((value) => hasLevels(value, UNKNOWN_LEVELS_MAX), `must not have more than ${UNKNOWN_LEVELS_MAX} levels`);

function hasLevels(value: unknown, levelsMax: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levelsMax > 0 && Object.values(value).every((member) => hasLevels(member, levelsMax - 1));
}

/** An object in a command message: it keeps unknown fields. Its type lists the known ones. */
export function messageObject<const Fields extends z.ZodRawShape>(fields: Fields) {
  return z.object(fields).catchall(unknownFieldSchema) as unknown as z.ZodObject<Fields>;
}

/** A change of a message's format. */
interface FormatChange {
  /** Version of the message since then. A field that an older receiver may ignore does not raise it. */
  readonly version: number;
  readonly what: string;
  /** The reason why an older receiver or sender works with newer ones. */
  readonly olderPeers: string;
}

const FIRST = 'there are none';

/** Each change of each message, oldest first. */
export const formatChanges = {
  commands: [
    { version: 1, what: 'first', olderPeers: FIRST },
    {
      version: 1,
      what: 'receivers keep unknown fields',
      olderPeers: 'a sender from before sends no unknown field; a writer from before is upgraded first',
    },
    {
      version: 1,
      what: 'the envelope may state the actor, and a replay the first sender',
      olderPeers: 'a writer from before ignores both; a command of a sender from before is stored without an actor',
    },
    {
      version: 1,
      what: 'a registration may state that the e-mail address is confirmed',
      olderPeers: 'a writer from before ignores it, and without it no mail is sent',
    },
    {
      version: 1,
      what: 'the envelope may state the trace of its request',
      olderPeers: 'a writer from before ignores it and records no span',
    },
  ],
  replies: [
    { version: 1, what: 'first', olderPeers: FIRST },
    {
      version: 1,
      what: 'receivers take an unknown reply for none',
      olderPeers: 'an API from before receives only replies that it knows, because none has been added',
    },
    {
      version: 1,
      what: 'the reply of a dead letter says if it is forbidden',
      olderPeers: 'an API from before shows it as any dead letter; a writer from before forbids nothing',
    },
  ],
  changeEvent: [
    { version: 1, what: 'first', olderPeers: FIRST },
    {
      version: 1,
      what: 'receivers accept unknown types of change',
      olderPeers: 'a consumer from before ignores such an event, and the next heartbeat wakes it',
    },
  ],
  beat: [
    { version: 1, what: 'first', olderPeers: FIRST },
    {
      version: 1,
      what: 'receivers ignore unknown topics',
      olderPeers: 'a consumer from before receives only topics that it knows, because none has been added',
    },
  ],
  /** `PRAGMA user_version` of the file. The text of an entry is a command as it is sent. */
  journal: [{ version: 1, what: 'first', olderPeers: FIRST }],
} as const satisfies Record<string, readonly FormatChange[]>;

/** The changes of a message's format, for people. */
export function formatHistory(message: keyof typeof formatChanges): string {
  return formatChanges[message]
    .map(({ version, what, olderPeers }) => `v${version}: ${what}. Older peers: ${olderPeers}.`)
    .join(' ');
}
