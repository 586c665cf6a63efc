import { z } from 'zod';
import { MAX_ORDER_LINES, requestLinesSchema } from '../order-lines.js';
import {
  branchIdSchema,
  centsSchema,
  customerIdSchema,
  emailSchema,
  groupIdSchema,
  HOLD_SECONDS_DEFAULT,
  holdSecondsSchema,
  levelQuantitySchema,
  lineQuantitySchema,
  locationSchema,
  releasingLocationSchema,
  CENTRAL,
  movedQuantitySchema,
  personNameSchema,
  productIdSchema,
  productNameSchema,
  stockDeltaSchema,
  stockQuantitySchema,
  stockReasonSchema,
  taxBasisPointsSchema,
  uuidSchema,
} from '../primitives.js';
import { dateSchema, instantSchema } from '../times.js';
import { changesCursorSchema } from '../changes.js';
import { namedCustomerIdSchema } from './customer-ids.js';
import { orderStatusSchema } from '../orders.js';
import { topicSchema } from '../topics.js';

/**
 * A text without characters that change the direction of text: with them, people see another text than programs read.
 * Only requests are checked, because an older command may contain them.
 */
export const oneWay = (text: z.ZodString) =>
  text
    .regex(/^\P{Bidi_Control}*$/u, 'must not hold characters that change the direction of text')
    .meta(text.meta() ?? {});

/** Bodies, paths and queries of the REST APIs. Objects are strict: an unknown field is a violation, never ignored. */

export const placeOrderRequestSchema = z.strictObject({ customerId: namedCustomerIdSchema, lines: requestLinesSchema });

export const registerCustomerRequestSchema = z.strictObject({
  /** Absent: an id is made. An id is in URLs and stays after an erasure. */
  customerId: namedCustomerIdSchema
    .refine((id) => !id.includes('@'), 'must not be an e-mail address')
    .meta(namedCustomerIdSchema.meta() ?? {})
    .optional(),
  name: oneWay(personNameSchema),
  email: emailSchema,
});
export const patchCustomerRequestSchema = z
  .strictObject({ name: oneWay(personNameSchema).optional(), email: emailSchema.optional() })
  .refine((patch) => Object.keys(patch).length > 0, 'must name a field: name or email');
export const createProductRequestSchema = z.strictObject({
  productId: productIdSchema,
  name: oneWay(productNameSchema),
  priceCents: centsSchema,
  /** Absent: the chain's default rate. */
  taxBasisPoints: taxBasisPointsSchema.optional(),
  stock: stockQuantitySchema.default(0),
});
export const updateProductRequestSchema = z.strictObject({
  name: oneWay(productNameSchema),
  priceCents: centsSchema,
  /** Absent: unchanged. */
  taxBasisPoints: taxBasisPointsSchema.optional(),
});
/** A merge patch (RFC 7396): what it names changes, and nothing else. */
export const patchProductRequestSchema = z
  .strictObject({
    name: oneWay(productNameSchema).optional(),
    priceCents: centsSchema.optional(),
    /** Null: the chain's default rate. */
    taxBasisPoints: taxBasisPointsSchema.nullable().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'must name a field: name, priceCents or taxBasisPoints');
export const putCartItemRequestSchema = z.strictObject({ quantity: lineQuantitySchema });

export const createReservationRequestSchema = z.strictObject({
  customerId: namedCustomerIdSchema,
  lines: requestLinesSchema,
  ttlSeconds: holdSecondsSchema.default(HOLD_SECONDS_DEFAULT),
});
/** A change of an order or reservation names the customer too, because the customer routes it. */
export const ofCustomerRequestSchema = z.strictObject({ customerId: customerIdSchema });
export const returnOrderRequestSchema = z.strictObject({
  customerId: customerIdSchema,
  lines: requestLinesSchema,
  /** Location of the units now. Absent: the location that received the request. */
  location: locationSchema.optional(),
});
const atLocation = { location: locationSchema.default(CENTRAL) };
export const receiveStockRequestSchema = z.strictObject({ ...atLocation, quantity: movedQuantitySchema });
export const adjustStockRequestSchema = z.strictObject({
  location: releasingLocationSchema.default(CENTRAL),
  delta: stockDeltaSchema,
  reason: oneWay(stockReasonSchema),
});
export const countStockRequestSchema = z.strictObject({
  ...atLocation,
  /** Units on hand that the client assumes: `onHand` as it was read. */
  expected: levelQuantitySchema,
  counted: levelQuantitySchema,
});
export const sendTransferRequestSchema = z
  .strictObject({
    productId: productIdSchema,
    from: releasingLocationSchema,
    to: locationSchema,
    quantity: movedQuantitySchema,
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another location than from' })
  .meta({ examples: [{ productId: 'cafe-premium', from: CENTRAL, to: 'sucursal-1', quantity: 10 }] });
/** A transfer is routed by its product. */
export const ofProductRequestSchema = z.strictObject({ productId: productIdSchema });
export const writeOffTransferRequestSchema = ofProductRequestSchema.extend({ reason: oneWay(stockReasonSchema) });

export const reservationPathSchema = z.strictObject({ reservationId: uuidSchema });
export const transferPathSchema = z.strictObject({ transferId: uuidSchema });
export const orderPathSchema = z.strictObject({ orderId: uuidSchema });
export const commandPathSchema = z.strictObject({ commandId: uuidSchema });
export const customerPathSchema = z.strictObject({ customerId: customerIdSchema });
export const productPathSchema = z.strictObject({ productId: productIdSchema });
/** Path of an edit of a cart, or of its checkout. */
export const cartPathSchema = z.strictObject({ customerId: namedCustomerIdSchema });
export const cartItemPathSchema = z.strictObject({ customerId: namedCustomerIdSchema, productId: productIdSchema });

/** A number in a query, in digits only. Programs read `1e3`, `0x10` or ` 1 ` differently. */
const wholeNumber = (min: number, max: number) => {
  const words = `must be a whole number from ${min} to ${max}, in digits only`;
  return z
    .string()
    .regex(/^[0-9]+$/, words)
    .transform((digits, context) => {
      const number = Number(digits);
      if (number >= min && number <= max) return number;
      context.addIssue(words);
      return z.NEVER;
    })
    .meta({ type: 'integer', minimum: min, maximum: max, examples: [Math.min(Math.max(min, 10), max)] });
};

/** Rows of a JSON page without a requested limit. */
export const PAGE_ROWS_DEFAULT = 100;
const pageRowsSchema = wholeNumber(1, 1000);

export const pageQuerySchema = z.strictObject({
  limit: pageRowsSchema.default(PAGE_ROWS_DEFAULT).meta({ description: 'Most rows of the page', examples: [10] }),
  after: z
    .string()
    .max(512)
    .regex(/^[^\p{Cc}]*$/u, 'must be the next of a page')
    .optional()
    .meta({ description: 'The `next` of the previous page. Absent: the first page' }),
});
/** Query of a list that is also available as CSV. */
export const listQuerySchema = pageQuerySchema.extend({
  limit: pageRowsSchema
    .optional()
    .meta({ description: `Rows of a page. Absent: ${PAGE_ROWS_DEFAULT} as JSON, all as CSV` }),
});

/** A period of a list. `happened`: the participle of its rows' event. */
const periodOf = (happened: string) => ({
  from: instantSchema.optional().meta({
    description: `${happened} at this instant or later. An instant, not a day: the first one of a day, with its offset, cuts at midnight`,
    examples: ['2026-11-24T00:00:00-06:00'],
  }),
  to: instantSchema
    .optional()
    .meta({ description: `${happened} before this instant`, examples: ['2026-11-25T00:00:00-06:00'] }),
});

const branchOrCentralSchema = branchIdSchema.meta({
  description: 'Branch; `central`: the head office',
  examples: ['sucursal-1'],
});

export const ordersQuerySchema = listQuerySchema
  .extend({
    /** A request must state the customer or the branch. */
    customerId: customerIdSchema.optional(),
    branchId: branchOrCentralSchema.optional(),
    status: orderStatusSchema.optional().meta({
      description: '`confirmed`: the orders that are still to be handed over',
      examples: ['confirmed'],
    }),
    ...periodOf('Placed'),
  })
  .refine(({ customerId, branchId }) => customerId !== undefined || branchId !== undefined, {
    path: ['customerId'],
    message: 'or branchId must be given',
    // This check also runs when other violations exist, so that a response names all of them.
    when: ({ value }) => typeof value === 'object' && value !== null,
  });
export const reservationsQuerySchema = listQuerySchema.extend({
  customerId: customerIdSchema.optional(),
  branchId: branchOrCentralSchema.optional(),
  status: z
    .literal('held')
    .optional()
    .meta({ description: 'Only what is held is listed', examples: ['held'] }),
});
export const transfersQuerySchema = listQuerySchema.extend({
  location: branchOrCentralSchema.optional().meta({ description: 'Destination or origin', examples: ['sucursal-1'] }),
  productId: productIdSchema.optional(),
  status: z
    .literal('in-transit')
    .optional()
    .meta({ description: 'Only what is in transit is listed', examples: ['in-transit'] }),
});
/** A cart from before its limit may have more than one page. */
export const cartQuerySchema = pageQuerySchema.extend({
  limit: pageRowsSchema.default(MAX_ORDER_LINES).meta({ description: 'Most products of the page', examples: [10] }),
});
export const productsQuerySchema = listQuerySchema.extend({
  name: productNameSchema
    .optional()
    .meta({ description: 'Words of the name, or their beginnings; case and accents are ignored', examples: ['café'] }),
});
export const inventoryQuerySchema = listQuerySchema.extend({
  location: branchIdSchema.meta({ description: '`central` or a branch', examples: ['central'] }).optional(),
  availableMax: wholeNumber(0, 1_000_000_000)
    .optional()
    .meta({
      description: 'Low stock: of products on sale, levels with at most this number of available units',
      examples: [5],
    }),
});
export const movementsQuerySchema = listQuerySchema.extend({
  location: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\/(quarantine|written-off|discrepancy))?$/,
      'must be `central`, a branch, or a place of a branch, such as sucursal-1/quarantine',
    )
    .optional()
    .meta({
      description:
        '`central`, a branch, or `<branch>/quarantine`, `/written-off` or `/discrepancy`. Absent: the branch of the token, or ' +
        '`central`',
      examples: ['central'],
    }),
  ...periodOf('Decided'),
});
/** Query of a search whose criteria are in its body. */
export const searchQuerySchema = listQuerySchema.extend({});
export const findCustomersRequestSchema = z.strictObject({
  /** Case is ignored. */
  email: emailSchema,
});
const salesGroupings = ['day', 'branch', 'product'] as const;
type SalesGroupingName = (typeof salesGroupings)[number];
const isGrouping = (name: string): name is SalesGroupingName => salesGroupings.some((each) => each === name);
export const salesQuerySchema = listQuerySchema.extend({
  by: z
    .string()
    .default('day')
    .transform((text, context): SalesGroupingName[] => {
      const names = text.split(',');
      if (names.every(isGrouping) && new Set(names).size === names.length) return names;
      context.addIssue(`must be one or more of ${salesGroupings.join(', ')}, each once, joined by commas`);
      return z.NEVER;
    })
    .meta({ description: 'Grouping: `day`, `branch` and `product`, in any combination, joined by commas' }),
  from: dateSchema.optional(),
  to: dateSchema.optional(),
  branchId: branchOrCentralSchema.optional(),
  productId: productIdSchema.optional(),
});
export const changesQuerySchema = z.strictObject({
  topic: topicSchema.meta({ description: 'What the changes are about', examples: ['orders'] }),
  group: groupIdSchema
    .optional()
    .meta({ description: 'Database group. It may be absent while there is only one', examples: ['g1'] }),
  after: changesCursorSchema.default({ seq: 0 }),
  limit: wholeNumber(1, 1000)
    .default(500)
    .meta({ description: 'Most changes of the page', examples: [100] }),
});
export const dailyQuerySchema = z.strictObject({ from: dateSchema.optional(), to: dateSchema.optional() });
