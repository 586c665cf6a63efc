import { z } from 'zod';

/** 1 to 64 letters, digits, `.`, `_` or `-`, the first a letter or digit. Safe in URLs, routing keys and file names. */
const slug = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit',
  );

/** Lower case throughout, so that one id has one spelling and one body hash. */
export const uuidSchema = z
  .string()
  .regex(
    /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/,
    'must be a UUID, such as 0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
  )
  .toLowerCase()
  .meta({ format: 'uuid', description: 'UUID', examples: ['0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'] });

/**
 * Any text that a chain already uses for its customers. PostgreSQL text can't contain U+0000, and logs should not
 * contain other control characters.
 */
export const customerIdSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must be at most 128 characters')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters')
  .meta({ description: 'Customer, 1 to 128 characters', examples: ['ana'] });

export const productIdSchema = slug.meta({ description: 'Product', examples: ['cafe-premium'] });
export const branchIdSchema = slug.meta({ description: 'Branch (sucursal)', examples: ['sucursal-1'] });
export const tillIdSchema = slug.meta({ description: 'Till of a branch', examples: ['1'] });
/**
 * The id of a group. It has no dot, because it is part of routing keys, and no "=", because it is part of positions.
 */
export const groupIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
    'must be 1 to 63 letters, digits, "_" or "-", and begin with a letter or digit',
  )
  .meta({ description: 'Database group', examples: ['g1'] });

/** Branch that accepted the command; null: the head office. */
export const takenAtSchema = branchIdSchema.nullable().meta({ description: 'Branch that took it; null: Central' });

/** Customer and branch of an order or reservation, as its changes state them. */
export const takenBy = { customerId: customerIdSchema, branchId: branchIdSchema.nullable() };

/** Location of stock: `central` or a branch id. */
export const CENTRAL = 'central';
export const locationSchema = slug.meta({
  description: 'Location of stock: `central` or a branch',
  examples: [CENTRAL],
});

/** A location, or the quarantine of a branch: a manager sends its units on, or adjusts them away. */
export const releasingLocationSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\/quarantine)?$/,
    'must be `central`, a branch, or the quarantine of a branch, such as sucursal-1/quarantine',
  )
  .meta({ description: 'Location of stock, or `<branch>/quarantine`', examples: [CENTRAL] });

/** Name of a process or request, fit for logs. */
export const nameInLogsSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must be at most 128 characters')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters');

/**
 * A branch that an API serves. It must not be the head office, because both would then share one location and its
 * reservations.
 */
export const servedBranchIdSchema = branchIdSchema.refine(
  (id) => id !== CENTRAL,
  `must not be "${CENTRAL}": that is the head office`,
);

/** Units in one order line or cart item. */
export const lineQuantitySchema = z
  .number()
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(10_000, 'must be at most 10000')
  .meta({ description: 'Units', examples: [2] });

const STOCK_QUANTITY_MAX = 1_000_000_000;

/** Most units of a level in a request: several receipts add up, and sums of such levels are exact. */
const LEVEL_QUANTITY_MAX = 1_000_000_000_000_000;

/** Units of a level that is stored. */
export const levelQuantitySchema = z
  .number()
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(LEVEL_QUANTITY_MAX, `must be at most ${LEVEL_QUANTITY_MAX}`)
  .meta({ description: 'Units', examples: [100] });

/** Units with which a level begins. */
export const stockQuantitySchema = z
  .number()
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(STOCK_QUANTITY_MAX, `must be at most ${STOCK_QUANTITY_MAX}`)
  .meta({ description: 'Units', examples: [100] });

/** Units that one command moves. */
export const movedQuantitySchema = z
  .number()
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(STOCK_QUANTITY_MAX, `must be at most ${STOCK_QUANTITY_MAX}`)
  .meta({ description: 'Units', examples: [10] });

export const stockDeltaSchema = z
  .number()
  .int('must be a whole number')
  .min(-STOCK_QUANTITY_MAX, `must be at least -${STOCK_QUANTITY_MAX}`)
  .max(STOCK_QUANTITY_MAX, `must be at most ${STOCK_QUANTITY_MAX}`)
  .refine((delta) => delta !== 0, 'must not be 0')
  .meta({ description: 'Units more, or fewer when negative', examples: [-2] });

/**
 * Default hold of a reservation, s. It is long enough to pay, and short enough that no stock stays reserved for a day.
 */
export const HOLD_SECONDS_DEFAULT = 600;
export const holdSecondsSchema = z
  .number()
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(86_400, 'must be at most 86400')
  .meta({ description: 'Seconds', examples: [HOLD_SECONDS_DEFAULT] });

/** Money is in whole cents, so sums are exact. */
export const centsSchema = z
  .number()
  .int('must be a whole number of cents')
  .min(0, 'must not be negative')
  .max(100_000_000, 'must be at most 100000000')
  .meta({ description: 'Cents', examples: [890] });

/** Text for people, in one line. */
export const printable = (max: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(max, `must be at most ${max} characters`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters');

/** Hundredths of a per cent. Prices include the tax. */
export const taxBasisPointsSchema = z
  .number()
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(10_000, 'must be at most 10000')
  .meta({ description: 'Tax that the price includes, hundredths of a per cent', examples: [1600] });

export const productNameSchema = printable(200).meta({ description: 'Name of a product', examples: ['Café Premium'] });
export const personNameSchema = printable(200).meta({ description: 'Name of a person', examples: ['Ana Torres'] });
export const stockReasonSchema = printable(200).meta({
  description: 'Why, for people',
  examples: ['broken in transport'],
});
export const emailSchema = z
  .email('must be an e-mail address, such as ana@example.com')
  .max(254, 'must be at most 254 characters')
  .meta({ description: 'E-mail address', examples: ['ana@example.com'] });

/** SHA-256 of a command's request, see `canonicalJson`. */
export const bodyHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
  .meta({ description: 'SHA-256, hex' });
