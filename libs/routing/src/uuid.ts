import { createHmac, hash, type KeyObject } from 'node:crypto';

// Checks the shape only, like PostgreSQL's uuid. An id of another version or variant than ours is valid and is not
// found.
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const TIME_MS_MAX = 2 ** 48 - 1;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Random bytes needed for an id; further ones are ignored. */
export const ID_RANDOM_BYTES = 10;

/** Time and randomness of an id come from the caller, so that tests can fix them. */
export interface IdSource {
  /** Milliseconds since 1970, as of `Date.now()`. */
  readonly nowMs: number;
  /** At least `ID_RANDOM_BYTES` unpredictable bytes. */
  readonly random: Uint8Array;
}

/** Whether a text is a UUID of any version, in upper or lower case (RFC 9562). */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The 12 bits after the version digit. Throws a RangeError if the text is no UUID: check with `isUuid` first. */
export function field12Of(id: string): number {
  if (!isUuid(id)) {
    throw new RangeError(`not a UUID: ${JSON.stringify(id.slice(0, 80))}`);
  }
  return Number.parseInt(id.slice(15, 18), 16);
}

/** A UUID of version 7: 48 bits of time, `field12`, 62 random bits. */
export function uuidV7({ nowMs, random }: IdSource, field12: number): string {
  if (!Number.isInteger(nowMs) || nowMs < 0 || nowMs > TIME_MS_MAX) {
    throw new RangeError(`nowMs must be whole milliseconds since 1970, not ${nowMs}`);
  }
  if (random.length < ID_RANDOM_BYTES) {
    throw new RangeError(`an id needs ${ID_RANDOM_BYTES} random bytes, not ${random.length}`);
  }
  return assemble(nowMs.toString(16).padStart(12, '0'), 7, field12, Buffer.from(random).subarray(0, 8));
}

/** Version 8: 48 and 62 bits of a digest around `field12`, so the same digest makes the same id without a lookup. */
function uuidV8(digest: Buffer, field12: number): string {
  return assemble(digest.toString('hex', 0, 6), 8, field12, digest.subarray(6, 14));
}

/**
 * The fields as bytes. Each field is preceded by its length, so no two lists of fields produce the same bytes. Throws a
 * RangeError for a lone surrogate, which UTF-8 can't distinguish from another one.
 */
function bytesOf(fields: readonly string[]): Buffer {
  let size = 0;
  for (const field of fields) {
    if (LONE_SURROGATE.test(field)) {
      throw new RangeError(
        `an id can't be made from text with a lone surrogate: ${JSON.stringify(field.slice(0, 80))}`,
      );
    }
    size += 4 + Buffer.byteLength(field);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const field of fields) {
    const length = bytes.write(field, at + 4);
    bytes.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return bytes;
}

/** The input of an id that derives from an `Idempotency-Key`. The API is no part of it. */
export interface KeyedRequest {
  /**
   * The id key of the principal that chose the `Idempotency-Key`. Equal keys of two principals make different ids, and
   * nobody can compute an id without the id key.
   */
  readonly idKey: KeyObject;
  readonly idempotencyKey: string;
}

/**
 * The id for a client's key: an HMAC-SHA256 of the request. This is the only function that makes ids of keyed requests.
 * `tag` separates ids of different uses. `within`: the scope of the key: the kind of request, the customer or product.
 */
export function idOfKey(
  tag: 'order' | 'command' | 'customer',
  { idKey, idempotencyKey }: KeyedRequest,
  within: readonly string[],
  field12: number,
): string {
  // One `update` with all bytes: 3.2 µs. An `update` for each field: 3.9 µs. A key that is no KeyObject: 18 µs.
  return uuidV8(
    createHmac('sha256', idKey)
      .update(bytesOf([tag, ...within, idempotencyKey]))
      .digest(),
    field12,
  );
}

/** The id that EcoMarket derives for content of its own. Anybody who knows the fields can compute it. */
export function idOfContent(fields: readonly string[], field12: number): string {
  return uuidV8(hash('sha256', bytesOf(['command', ...fields]), 'buffer'), field12);
}

function assemble(first12Hex: string, version: 7 | 8, field12: number, last8: Buffer): string {
  const field = field12.toString(16).padStart(3, '0');
  const tail = Buffer.from(last8);
  tail.writeUInt8((tail.readUInt8(0) & 0x3f) | 0x80, 0); // Sets the variant bits to 10.
  const tailHex = tail.toString('hex');
  return `${first12Hex.slice(0, 8)}-${first12Hex.slice(8)}-${version}${field}-${tailHex.slice(0, 4)}-${tailHex.slice(4)}`;
}
