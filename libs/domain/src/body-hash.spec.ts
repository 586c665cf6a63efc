import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson, commandKinds, type Command } from '@eco/contracts';
import { bodyHash } from './body-hash.js';
import { command, placeOrder } from './test/commands.js';

const byTheBook = ({ kind, body }: Command) => createHash('sha256').update(canonicalJson({ kind, body })).digest('hex');

const slug = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const line = fc.record({ productId: slug, quantity: fc.integer({ min: 1, max: 10_000 }) });
const orderBody = fc.record({
  orderId: fc.uuid(),
  // Any Unicode, quotes and backslashes among it.
  customerId: fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }),
  branchId: fc.option(slug),
  lines: fc.array(line, { minLength: 1, maxLength: 200 }),
});

/** The same value with the keys of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)]);
  return Object.fromEntries(entries.reverse());
}

describe('bodyHash', () => {
  it('is the hash of the canonical kind and body, in whatever order their keys come', () => {
    fc.assert(
      fc.property(orderBody, (body) => {
        const order = { ...placeOrder('ana', {}), body };
        expect(bodyHash(order)).toBe(byTheBook(order));
        expect(bodyHash({ ...order, body: reversed(body) as typeof body })).toBe(byTheBook(order));
      }),
    );
  });

  it('tells kinds apart whose bodies are alike, and leaves the envelope out', () => {
    const remove = command('product.delete', { productId: 'cafe' });
    expect(bodyHash(remove)).toBe(byTheBook(remove));
    expect(bodyHash({ ...remove, stamp: remove.stamp.replace('spec', 'other'), sentBy: 'other' })).toBe(
      byTheBook(remove),
    );
    const hashes = Object.keys(commandKinds).map((kind) => bodyHash({ ...remove, kind, body: { lines: [] } } as never));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
