import { z } from 'zod';
import { bodyHashSchema, nameInLogsSchema, printable, uuidSchema } from './primitives.js';

/*
 * What an operator may ask about a dead letter. A dead letter is keyed by the id and the body of what could not be
 * processed, for under one id several bodies may have failed.
 *
 * - A replay is the same command once more, with `replay` in its envelope. It is tried if its number is higher than the
 *   last one tried, so one that comes twice, or two operators at once, try it once.
 * - A discard is a command of its own, which writes the outcome *discarded* under the dead letter's id and body.
 */

export const replaySchema = z.strictObject({
  /** 1 above the last number of the dead letter. */
  number: z.number().int().min(1).max(1_000_000),
  /** Of the dead letter. */
  bodyHash: bodyHashSchema,
  /** Operator who asks for it. */
  by: nameInLogsSchema,
});
export type Replay = z.infer<typeof replaySchema>;

export const discardDeadLetterSchema = z.strictObject({
  commandId: uuidSchema,
  bodyHash: bodyHashSchema,
  reason: printable(500).meta({ description: 'Why, for people', examples: ['sent by a test'] }),
  /** Operator who asks for it. */
  by: nameInLogsSchema,
});

/** False: there is no open dead letter of that id and body. */
export const discardedSchema = z.object({ discarded: z.boolean() });
