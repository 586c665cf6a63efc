import { z } from 'zod';
import { messageObject } from './compatibility.js';
import { commandBody, defineCommand } from './define-command.js';
import { bodyHashSchema, nameInLogsSchema, printable, uuidSchema } from './primitives.js';

/*
 * Actions of an operator on a dead letter. A dead letter is keyed by the id and the body of the failed command, because
 * several bodies may have failed under one id.
 * - A replay is the same command again, with `replay` in its envelope. It is tried if its number is higher than the
 *   last one tried. So a replay that arrives twice, or from two operators at once, is tried once.
 * - A discard is a separate command, which writes the outcome *discarded* under the dead letter's id and body.
 */

export const replaySchema = messageObject({
  /** One more than the last replay number of this dead letter. */
  number: z.number().int().min(1).max(1_000_000),
  /** Body hash of the dead letter. */
  bodyHash: bodyHashSchema,
  /** The requesting operator. */
  by: nameInLogsSchema,
  /**
   * Broker user that first sent the command, as stored with the dead letter. It counts only in a group that does not
   * have the dead letter, because another group of the chain has it. Absent: unknown.
   */
  sender: nameInLogsSchema.optional(),
});
export type Replay = z.infer<typeof replaySchema>;

export const deadLetterCommands = {
  /** This command is sent to the group that stores the dead letter. */
  'dead-letter.discard': defineCommand({
    body: commandBody({
      commandId: uuidSchema,
      bodyHash: bodyHashSchema,
      reason: printable(500).meta({ description: 'Why, for people', examples: ['sent by a test'] }),
      /** The requesting operator. */
      by: nameInLogsSchema,
    }),
    key: 'commandId',
    route: 'products',
    senders: 'dead-letter-admin',
    topic: null,
    mayWait: false,
    /** False: no dead letter with that id and body is open. */
    result: z.object({ discarded: z.boolean() }),
    refusals: {},
  }),
};
