import { z } from 'zod';
import { orderRejectedSchema } from './orders.js';
import { refusals } from './outcomes.js';
import { productIdSchema, uuidSchema } from './primitives.js';
import { shortLineSchema } from './order-lines.js';
import { PROBLEM_URN, problemTypes, type ProblemName } from './problems.js';

/** Bodies of problems: the members of all, and those that only some types have. */

export const violationSchema = z.object({
  at: z.string().meta({
    description:
      'Place of the violation: a JSON pointer into the body (`/lines/0/quantity`), or `query.limit`, `header.prefer`, ' +
      '`path.orderId`',
    examples: ['/lines/0/quantity'],
  }),
  message: z
    .string()
    .meta({ description: 'Text of the violation. It names the limit', examples: ['must be at least 1'] }),
});
export type Violation = z.infer<typeof violationSchema>;

const problemFields = {
  type: z
    .string()
    .meta({ description: 'Names the problem, for programs', examples: ['urn:ecomarket:problem:bad-input'] }),
  title: z.string().meta({ description: 'The problem, for people. Programs read `type`' }),
  status: z
    .number()
    .int()
    .meta({ description: 'HTTP status', examples: [400] }),
  detail: z.string().optional().meta({ description: 'A sentence about this case' }),
  instance: z.string().optional().meta({ description: 'The requested path' }),
  correlationId: z.string().optional().meta({ description: 'Finds the request in logs, as `X-Correlation-Id` does' }),
};
const violations = {
  faults: z
    .array(violationSchema)
    .optional()
    .meta({ description: 'Every violation of the request, at most 100; absent: `detail` says what is wrong' }),
};
export const problemSchema = z.looseObject({ ...problemFields, ...violations });
export type Problem = z.infer<typeof problemSchema>;

const ofCommand = {
  commandId: uuidSchema
    .optional()
    .meta({ description: 'Command, for `GET /commands/{commandId}`; absent: the request did not become one' }),
};
const withViolations = z.object(violations);
const withCommand = z.object(ofCommand);
const centsOf = (description: string) => z.int().meta({ description, examples: [890] });

/** Members of a type of problem in addition to those of every problem. The details of a refusal are in its descriptor. */
const problemDetails: Partial<Record<ProblemName, z.ZodObject>> = {
  'bad-input': withViolations,
  'malformed-json': withViolations,
  'body-too-large': withViolations,
  'unsupported-media-type': withViolations,
  'not-ready': withViolations,
  forbidden: z.object({ ...violations, ...ofCommand }),
  'command-refused': z.looseObject({ ...ofCommand, reason: z.string().meta({ description: 'Why, for programs' }) }),
  'command-expired': withCommand,
  'command-discarded': withCommand,
  'key-conflict': withCommand,
  'dead-letter': withCommand,
  'not-done': withCommand,
  'acceptance-unknown': withCommand,
  'outcome-unknown': withCommand,
  'order-rejected': orderRejectedSchema.omit({ status: true }),
  'quota-short': z.object({
    short: z.array(shortLineSchema).meta({ description: 'Every line of which the branch holds too few units' }),
    unknownProducts: z.array(productIdSchema).meta({ description: 'Products that the branch does not know' }),
  }),
  'more-than-sold': z.object({
    lines: z
      .array(z.object({ productId: productIdSchema, returnable: z.int() }))
      .meta({ description: 'Every line that asks for too many units, with those that are not returned yet' }),
  }),
  'too-little-money': z.object({
    dueCents: centsOf('What is to be paid'),
    receivedCents: centsOf('What the customer has paid'),
  }),
  'card-exceeds-total': z.object({
    totalCents: centsOf('What the sale costs'),
    cardCents: centsOf('What the card would pay'),
  }),
  'position-lost': z.object({
    continueFrom: z
      .string()
      .optional()
      .meta({ description: 'Of a list of changes: the last place that is still in the history, to ask for `after`' }),
  }),
};

/** The body of one type of problem. */
export function problemSchemaOf(name: ProblemName): z.ZodObject {
  const { status, title } = problemTypes[name];
  const refusal = Object.entries(refusals).find(([reason]) => reason === name)?.[1];
  const details = problemDetails[name] ?? refusal?.details ?? z.object({});
  return details.extend({
    ...problemFields,
    type: z.literal(`${PROBLEM_URN}${name}`),
    title: z.literal(title),
    status: z.literal(status),
    ...(refusal && ofCommand),
  });
}
