import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Cost of one argon2id hash (RFC 9106). */
interface Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/**
 * The first of the equivalent choices in OWASP's Password Storage Cheat Sheet for argon2id. One hash takes about 25 ms
 * of one core, and 19 MiB.
 */
const COST: Cost = { memoryKib: 19_456, passes: 2, lanes: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, base64 without padding: the PHC string format. */
const STORED =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/;

/**
 * Hashes on threads of libuv, which has four for the whole process. Two hashes at a time leave two threads for files
 * and name look-ups, and bound the memory at 38 MiB.
 */
const AT_ONCE = 2;
/** Most passwords that wait: about a second of work. */
const WAITING_MAX = 64;

const hashWith = promisify(argon2);

/** More passwords are waiting than this process can hash within about a second. */
export class PasswordsBusyError extends Error {
  override readonly name = 'PasswordsBusyError';
}

let running = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, salt: Buffer, cost: Cost, length: number): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= WAITING_MAX) throw new PasswordsBusyError('too many passwords wait to be checked');
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await hashWith('argon2id', {
      // One character can have two encodings. Both must be the same password.
      message: password.normalize('NFC'),
      nonce: salt,
      parallelism: cost.lanes,
      tagLength: length,
      memory: cost.memoryKib,
      passes: cost.passes,
    });
  } finally {
    const next = waiting.shift();
    // The next waiting hash takes the place of this one.
    if (next === undefined) running -= 1;
    else next();
  }
}

/** The text to store for a password. Throws a `PasswordsBusyError`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST, HASH_BYTES);
  return stored(salt, hash);
}

/**
 * Whether this is the password. Without a stored hash (an unknown account) the result is false, after the same time.
 * Throws a `PasswordsBusyError`.
 */
export async function isPassword(password: string, storedHash: string | null): Promise<boolean> {
  const { cost, salt, hash } = parse(storedHash ?? NO_PASSWORD);
  const derived = await derive(password, salt, cost, hash.length);
  return timingSafeEqual(derived, hash) && storedHash !== null;
}

/** Whether the stored hash was made at another cost than today's, so that the next log-in should replace it. */
export function isOutdated(storedHash: string): boolean {
  const { cost } = parse(storedHash);
  return cost.memoryKib !== COST.memoryKib || cost.passes !== COST.passes || cost.lanes !== COST.lanes;
}

function stored(salt: Buffer, hash: Buffer): string {
  const { memoryKib, passes, lanes } = COST;
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

const NO_PASSWORD = stored(Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES));

function parse(text: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const match = STORED.exec(text);
  if (match === null) throw new Error('a stored password hash has an unknown format');
  const [, memoryKib, passes, lanes, salt = '', hash = ''] = match;
  return {
    cost: { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
