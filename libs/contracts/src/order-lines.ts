import { z } from 'zod';
import { messageObject } from './compatibility.js';
import { centsSchema, lineQuantitySchema, productIdSchema, productNameSchema } from './primitives.js';

/** Most products of an order. A cart has no more, so that each cart can be checked out. */
export const MAX_ORDER_LINES = 200;

/**
 * Most products of a cart including removed ones, which stay so that an older edit has no effect. Each edit reads them
 * all.
 */
export const MAX_CART_PRODUCTS = 500;

const lineFields = { productId: productIdSchema, quantity: lineQuantitySchema };
export const orderLineSchema = z.object(lineFields);
export type OrderLine = z.infer<typeof orderLineSchema>;

/** A violation points at the second line of a product, because the first line alone would be valid. */
const linesOf = (line: z.ZodType<OrderLine>) =>
  z
    .array(line)
    .min(1, 'must hold at least 1 line')
    .max(MAX_ORDER_LINES, `must hold at most ${MAX_ORDER_LINES} lines`)
    .superRefine(
      (lines: readonly (Partial<OrderLine> | null)[], context) => {
        const seen = new Map<string, number>();
        lines.forEach((line, index) => {
          const productId: unknown = line?.productId;
          if (typeof productId !== 'string') return;
          const first = seen.get(productId);
          if (first === undefined) seen.set(productId, index);
          else
            context.addIssue({
              code: 'custom',
              path: [index, 'productId'],
              message: `names the same product as line ${first}: put the units into one line`,
            });
        });
      },
      // This check also runs when other violations exist; zod alone would skip it. A response names all violations.
      { when: ({ value }) => Array.isArray(value) },
    );

/** Lines of an HTTP request: an unknown field is a violation. */
export const requestLinesSchema = linesOf(z.strictObject(lineFields));
/** Lines of a command. */
export const commandLinesSchema = linesOf(messageObject(lineFields));

export const pricedLineSchema = z.object({
  productId: productIdSchema,
  name: productNameSchema,
  quantity: lineQuantitySchema,
  unitPriceCents: centsSchema,
});
export type PricedLine = z.infer<typeof pricedLineSchema>;

/** One short line: the requested units, and those available when it was decided. */
export const shortLineSchema = z.object({
  productId: productIdSchema,
  asked: z.number().int(),
  available: z.number().int(),
});
export type ShortLine = z.infer<typeof shortLineSchema>;
