import { z } from 'zod';
import * as requests from './requests.js';

function faults(schema: z.ZodType, value: unknown): string[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const schemas = Object.entries<unknown>(requests).filter(
  (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType,
);

describe('requests', () => {
  // ASVS 5.0: 15.3.3
  it.each(schemas)('%s refuses an unknown field', (_, schema) => {
    expect(faults(schema, { surprise: 1 }).some((fault) => fault.includes('surprise'))).toBe(true);
  });

  it.each(schemas)('%s refuses anything but an object', (_, schema) => {
    for (const value of [null, 1, 'text', []]) expect(faults(schema, value)).not.toEqual([]);
  });

  // ASVS 5.0: 14.2.1
  it('refuse an e-mail address as a customer id', () => {
    const ana = { customerId: 'ana@example.com', name: 'Ana', email: 'ana@example.com' };
    expect(faults(requests.registerCustomerRequestSchema, ana)).toEqual(['customerId: must not be an e-mail address']);
  });

  it('a product without stock starts with 0 units', () => {
    const product = { productId: 'te', name: 'Té', priceCents: 100 };
    expect(requests.createProductRequestSchema.parse(product)).toEqual({ ...product, stock: 0 });
  });

  it('a product names every violation', () => {
    const bad = { productId: 'a/b', name: '', priceCents: 1.5, stock: -1 };
    expect(faults(requests.createProductRequestSchema, bad)).toEqual([
      'productId: must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit',
      'name: must not be empty',
      'priceCents: must be a whole number of cents',
      'stock: must not be negative',
    ]);
  });

  it.each(['\u061c', '\u200f', '\u202e', '\u2066'])(
    'a name with U+%j, which changes the direction of text, is refused',
    (turn) => {
      const customer = { customerId: `a${turn}b`, name: `Ana${turn} Torres`, email: 'ana@example.com' };
      expect(faults(requests.registerCustomerRequestSchema, customer)).toEqual([
        'customerId: must not hold characters that change the direction of text',
        'name: must not hold characters that change the direction of text',
      ]);
    },
  );

  it('a cart item cannot have 0 units: that is a deletion', () => {
    expect(faults(requests.putCartItemRequestSchema, { quantity: 0 })).toEqual(['quantity: must be at least 1']);
  });

  it('an id is a UUID', () => {
    expect(faults(requests.orderPathSchema, { orderId: '17' })).toEqual([
      'orderId: must be a UUID, such as 0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
    ]);
  });

  it.each(['0', '1001', '1.5', '1e3', '0x10', ' 1 ', '+1', '-1', '', '１', 'true', '9'.repeat(400)])(
    'a page limit of %j is refused with the numbers that are allowed',
    (limit) => {
      const words = 'must be a whole number from 1 to 1000, in digits only';
      expect(faults(requests.pageQuerySchema, { limit })).toEqual([`limit: ${words}`]);
    },
  );

  it('no greatest number of available units is not the number 0', () => {
    const words = 'must be a whole number from 0 to 1000000000, in digits only';
    expect(faults(requests.inventoryQuerySchema, { availableMax: '' })).toEqual([`availableMax: ${words}`]);
  });

  it.each(['', 'day,', 'day,day', 'Day', 'week', 'day, branch'])(
    'sales by %j are refused with what is allowed',
    (by) => {
      const words = 'must be one or more of day, branch, product, each once, joined by commas';
      expect(faults(requests.salesQuerySchema, { by })).toEqual([`by: ${words}`]);
    },
  );

  it('a page always has a limit', () => {
    expect(requests.pageQuerySchema.parse({})).toEqual({ limit: 100 });
    expect(requests.pageQuerySchema.parse({ limit: '7' })).toEqual({ limit: 7 });
  });
});
