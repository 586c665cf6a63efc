import type { z } from 'zod';
import { messageObject } from './compatibility.js';
import type { Topic } from './topics.js';

/** The queue, of the two in each group, to which a command is sent. */
export type QueueKind = 'orders' | 'products';

/**
 * The route of a command, and the queue that the route leads to. Commands that are accepted first and decided later use
 * `orders`. The others are answered within their request and must not wait behind a backlog of orders: `counter` for
 * commands that a branch may send, `products` for those of the head office only. Broker permissions restrict each user
 * to its routes.
 */
export const commandRoutes = {
  orders: 'orders',
  counter: 'products',
  products: 'products',
} as const satisfies Record<string, QueueKind>;
export type CommandRoute = keyof typeof commandRoutes;

/**
 * Senders of a kind of command. `central`: the head office alone. `dead-letter-admin`: that user alone. `nobody`: only
 * a batch makes such a command. `BranchSenders`: the head office, and each branch for its own objects.
 */
export type CommandSenders = 'central' | 'dead-letter-admin' | 'nobody' | BranchSenders;

export interface BranchSenders {
  /** Fields of the body that must be the branch's id. */
  readonly names: readonly string[];
  /** True: the command acts on a stored object, which must belong to the branch. Its rules have `ownerOf`. */
  readonly actsOnStored: boolean;
}

/** A reason for which a command may be refused: the problem that the API answers, and members that give details. */
export interface Refusal {
  /** HTTP status. 404: the command names an unknown object. 412: it states another version. 409: every other reason. */
  readonly status: 404 | 409 | 412;
  /** Title for people. */
  readonly title: string;
  /** Members of the result in addition to `reason`. Absent: none. */
  readonly details?: z.ZodObject;
}

/** Data of changes by type. A type is in the past tense, such as `order.cancelled`. */
export type Changes = Readonly<Record<string, z.ZodObject>>;

/** The description of one kind of command. Everything that depends on the kind is derived from it. */
export interface CommandDescriptor {
  /** The request, from `commandBody`. Each field of `uuidSchema`, except the key, holds an id in the key's bucket. */
  readonly body: z.ZodObject;
  /** Field of the body whose hash names the command's bucket. */
  readonly key: 'customerId' | 'productId' | 'branchId' | 'commandId';
  readonly route: CommandRoute;
  readonly senders: CommandSenders;
  /** Topic of its changes. Null: its changes are published to no topic. */
  readonly topic: Topic | null;
  /**
   * Field of the body with the id of the object that the command makes. It is also the command's id. Absent: the
   * command makes nothing.
   */
  readonly makes?: string;
  /**
   * Whether an API may accept it into its journal while no broker confirms it. True only for commands that are decided
   * later in any case and promise no stock. A command that holds or moves stock is decided within its request or not at
   * all. `at-branch`: only a branch keeps it, because a branch may have no line for days.
   */
  readonly mayWait: boolean | 'at-branch';
  /** The result if it is done. */
  readonly result: z.ZodObject;
  /** Changes that it publishes if it is done. Absent: none, or only movements, which the ledger publishes. */
  readonly change?: Changes;
  /** Refusals by reason. */
  readonly refusals: Readonly<Record<string, Refusal>>;
  /** A refusal that is stored and published in its own form. Absent: a refusal of this kind changes nothing. */
  readonly rejection?: { readonly result: z.ZodObject; readonly change: Changes };
}

/** The body of a command. */
export const commandBody = messageObject;

/** Checks that `key` and `makes` are fields of the body. */
export function defineCommand<const Command extends CommandDescriptor>(
  command: Command & { key: FieldOf<Command>; makes?: FieldOf<Command> },
): Command & Pick<CommandDescriptor, 'makes'> {
  return command;
}

/** Senders of a command that a branch may send. */
export const branches = {
  /** The command names no branch and may concern any customer. */
  any: { names: [], actsOnStored: false },
  named: { names: ['branchId'], actsOnStored: false },
  owning: { names: [], actsOnStored: true },
  namedAndOwning: { names: ['branchId'], actsOnStored: true },
  atOwnLocation: { names: ['location'], actsOnStored: true },
} as const satisfies Record<string, BranchSenders>;

type FieldOf<Command extends CommandDescriptor> = keyof z.infer<Command['body']>;
