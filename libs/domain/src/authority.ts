import {
  CENTRAL,
  commandKinds,
  isEntry,
  ownsStamp,
  senderNamed,
  STAMP_AHEAD_MS_MAX,
  stampMs,
  writerUser,
  type Actor,
  type Command,
  type CommandKind,
  type Sender,
} from '@eco/contracts';

/*
 * Authority of the senders of commands. It follows from the name of the broker user that sent the command, because the
 * broker has checked that name. Everything else in a message is a claim. The API decides by the person who is logged
 * in, and the writer does not rely on its decision.
 *
 * `whyForbidden` checks the command alone. `whyNotItsOwn` checks the owner of a stored object, which is known only
 * after the object is loaded.
 */

/** Sender of a command, and the person or program for whom it was sent. */
export interface Origin {
  /** Broker user; null: the message names none. */
  readonly user: string | null;
  /** Undefined: the user is none of those that send commands. */
  readonly sender: Sender | undefined;
  /** Person or program for whom the command was sent, as the sender states. */
  readonly actor: Actor | undefined;
}

export function originOf(user: string | null, actor: Actor | undefined): Origin {
  return { user, sender: user === null ? undefined : senderNamed(user), actor };
}

/** Origin of the commands that a batch makes itself, such as an expiry. */
export function originOfBatch(group: string): Origin {
  return originOf(writerUser(group), undefined);
}

/**
 * The branch to which a command is restricted: the branch that sends it, or the branch of the person for whom Central
 * sends it. Undefined: it may act on everything that its sender may act on.
 */
export function restrictionOf({ sender, actor }: Origin): string | undefined {
  return sender?.type === 'branch' ? sender.branchId : (actor?.branchId ?? undefined);
}

/** Owner of the rows that a command makes: the branch to which it is restricted, otherwise `central`. */
export function ownerMaking(origin: Origin): string {
  return restrictionOf(origin) ?? CENTRAL;
}

/**
 * Reason why this sender may not send this command. Undefined: it may, as far as the command's content shows. `nowMs`:
 * the group's clock.
 */
export function whyForbidden(command: Command, origin: Origin, nowMs: number): string | undefined {
  const { user, sender, actor } = origin;
  if (user === null) return 'the message names no broker user';
  if (sender === undefined) return `the broker user ${user} sends no commands`;
  const reason = whyNotTheKind(command.kind, user, sender) ?? whyStampIsNot(command, user, sender, nowMs);
  const branchId = restrictionOf(origin);
  if (reason !== undefined || branchId === undefined) return reason;
  if (!maySend('branch', command.kind)) return `a person of branch ${branchId} may not send ${command.kind}`;
  return whyNotItsName(command, branchId) ?? whyNotItsActor(actor, branchId);
}

/**
 * Reason why a command that is restricted to this branch may not act on a stored object. `owner`: the owner of the
 * object; undefined if none is stored. Undefined: it may.
 */
export function whyNotItsOwn(branchId: string, owner: string | undefined): string | undefined {
  return owner === undefined || owner === branchId
    ? undefined
    : `what it acts on does not belong to branch ${branchId}`;
}

function whyNotTheKind(kind: CommandKind, user: string, { type }: Sender): string | undefined {
  return maySend(type, kind) ? undefined : `the broker user ${user} may not send ${kind}`;
}

function maySend(type: Sender['type'], kind: CommandKind): boolean {
  const { senders } = commandKinds[kind];
  switch (type) {
    case 'central':
      return senders === 'central' || typeof senders === 'object';
    case 'branch':
    case 'former-branch':
      return typeof senders === 'object';
    case 'dead-letter-admin':
      return senders === 'dead-letter-admin';
    // Nothing is forwarded between groups yet.
    case 'writer':
      return false;
  }
}

/**
 * The stamps of a branch contain its name. Stamps of the other senders may contain any name except a branch's, because
 * earlier versions used names of processes.
 *
 * The time of an entry's stamp decides nothing, because a branch numbers its entries. That of a request for units decides
 * nothing either. So a branch whose clock is a day ahead still delivers its sales, and gets more units.
 */
function whyStampIsNot(command: Command, user: string, { type }: Sender, nowMs: number): string | undefined {
  const { stamp } = command;
  const isTimeless = isEntry(command) || command.kind === 'quota.fetch';
  if (!isTimeless && stampMs(stamp) - nowMs > STAMP_AHEAD_MS_MAX) {
    return `its stamp is more than ${STAMP_AHEAD_MS_MAX / 1000} s ahead of the group's clock`;
  }
  const isOwn = type === 'branch' ? ownsStamp(user, stamp) : !stamp.startsWith('branch.', SENDER_AT);
  return isOwn ? undefined : `its stamp is not one of the broker user ${user}`;
}
const SENDER_AT = '000000000000000-00000-'.length;

function whyNotItsName({ kind, body }: Command, branchId: string): string | undefined {
  const { senders } = commandKinds[kind];
  if (typeof senders !== 'object') return undefined;
  const other = senders.names.find((name) => (body as Readonly<Record<string, unknown>>)[name] !== branchId);
  return other === undefined ? undefined : `its ${other} must be ${branchId}`;
}

function whyNotItsActor(actor: Actor | undefined, branchId: string): string | undefined {
  if (actor === undefined || actor.branchId === branchId) return undefined;
  return `its actor must belong to branch ${branchId}`;
}
