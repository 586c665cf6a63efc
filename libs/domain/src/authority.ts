import {
  CENTRAL,
  commandKinds,
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
 * Who may do what, by the name of the broker user that sent a command. The broker has checked that name; everything else
 * in a message is a claim. The API in front has decided by the person, and the writer does not rely on that.
 *
 * `whyForbidden` needs nothing but the command. What belongs to a branch is known only when it is loaded: `whyNotItsOwn`.
 */

/** Who sent a command, and for whom. */
export interface Origin {
  /** Broker user; null: the message names none. */
  readonly user: string | null;
  /** Undefined: no user that sends commands. */
  readonly sender: Sender | undefined;
  /** As the sender states. */
  readonly actor: Actor | undefined;
}

export function originOf(user: string | null, actor: Actor | undefined): Origin {
  return { user, sender: user === null ? undefined : senderNamed(user), actor };
}

/** Of what a batch does without a message. */
export function originOfBatch(group: string): Origin {
  return originOf(writerUser(group), undefined);
}

/** Whose rows a sender makes and changes: a branch's, or for the others `central`, which may change all. */
export function ownerNamed(sender: Sender | undefined): string {
  return sender?.type === 'branch' ? sender.branchId : CENTRAL;
}

/** Undefined: this sender may send this command, as far as its content shows. `nowMs`: the group's clock. */
export function whyForbidden(command: Command, { user, sender, actor }: Origin, nowMs: number): string | undefined {
  if (user === null) return 'the message names no broker user';
  if (sender === undefined) return `the broker user ${user} sends no commands`;
  const reason = whyNotTheKind(command.kind, user, sender) ?? whyStampIsNot(command, user, sender, nowMs);
  if (reason !== undefined || sender.type !== 'branch') return reason;
  return whyNotItsName(command, sender.branchId) ?? whyNotItsActor(actor, sender.branchId);
}

/** Undefined: it acts on nothing that is stored, or what is stored is the sender's. `owner`: of what is stored. */
export function whyNotItsOwn({ sender }: Origin, owner: string | undefined): string | undefined {
  if (sender?.type !== 'branch' || owner === undefined || owner === sender.branchId) return undefined;
  return `what it acts on does not belong to branch ${sender.branchId}`;
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

/** A branch's stamps have its name. Those of the others have any other: earlier versions used names of processes. */
function whyStampIsNot({ stamp }: Command, user: string, { type }: Sender, nowMs: number): string | undefined {
  if (stampMs(stamp) - nowMs > STAMP_AHEAD_MS_MAX) {
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
