import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { createSigningKey, ID_KEY_BYTES, publicKeyOf, TokenSigner, type VerifierSecrets } from '@eco/access';
import { PeriodicTask, type Log } from '@eco/base';
import { z } from 'zod';
import { loginHashOf } from './account.js';
import type { LogInRefusal } from './identity.js';
import { isPassword } from './password.js';
import { branchPinSchema, type BranchPin } from './pin-store.js';

/** Interval at which the hashes are read from Central, ms. */
const READ_EVERY_MS = 5_000;
/** Most wrong PINs of an account in the window. At this rate an attacker needs 3 years on average to guess 6 digits. */
const WRONG_MAX = 5;
const WINDOW_MS = 15 * 60_000;
/** Validity of a token, s. After it the person at the till types the PIN again. */
const TOKEN_SECONDS = 3_600;

/** Most sessions that are remembered. All tills of a branch begin fewer within the validity of a token. */
const SESSIONS_MAX = 10_000;

/** `aud` of the tokens that a branch makes. Only the API of that branch accepts them. */
export function branchAudience(branchId: string): string {
  return `branch:${branchId}`;
}

const pinsSchema = z.array(branchPinSchema);

export interface BranchPinsOptions {
  readonly branchId: string;
  /** Keeps the hashes across restarts, and while they can't be read. */
  readonly file: string;
  /** Reads the PINs of the branch. Rejects if they can't be read now. */
  readonly readPins: () => Promise<readonly BranchPin[]>;
  readonly log: Log;
  /** Current time, ms. */
  readonly now?: () => number;
}

export interface PinToken {
  readonly accessToken: string;
  /** s */
  readonly accessTokenSeconds: number;
}

/**
 * Log-in by PIN at a branch, without a line to Central. The branch keeps the hashes of its own staff in a file. It
 * signs tokens with its own key, which is made at each start and never leaves the process. So no other process accepts
 * these tokens.
 */
export class BranchPins {
  readonly #options: BranchPinsOptions;
  readonly #signer: TokenSigner;
  /** Verifies the tokens that this process makes. */
  readonly publicKey: VerifierSecrets['keys'][number];
  /** Times at which wrong PINs were entered, ms, by account id. */
  readonly #wrong = new Map<string, number[]>();
  /** Account ids by session id. */
  readonly #sessions = new Map<string, string>();
  readonly #now: () => number;
  readonly #looks = new PeriodicTask(() => this.#look(), READ_EVERY_MS);
  #pins: readonly BranchPin[];

  private constructor(options: BranchPinsOptions, signingKey: SigningKey, pins: readonly BranchPin[]) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.publicKey = publicKeyOf(signingKey);
    // Each grant states its own id key, so this master secret is never used.
    this.#signer = new TokenSigner({ signingKey, idKeyMaster: randomBytes(32).toString('base64url') });
    this.#pins = pins;
  }

  /** Reads the file, if there is one. Throws if it can't be read. */
  static async open(options: BranchPinsOptions): Promise<BranchPins> {
    return new BranchPins(options, await createSigningKey(), pinsIn(options.file));
  }

  /** Reads the hashes from time to time. Resolves after the first read, even if it fails. */
  async start(): Promise<void> {
    this.#looks.start();
    await this.#looks.run();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /**
   * Whether a session that began here has ended: its account lost its PIN or was disabled, as far as the branch knows.
   */
  hasEnded(sessionId: string): boolean {
    const accountId = this.#sessions.get(sessionId);
    return accountId !== undefined && !this.#pins.some((pin) => pin.accountId === accountId);
  }

  /** An unknown account takes the same time as a wrong PIN. Throws a `PasswordsBusyError` under too much load. */
  async logIn(login: string, pin: string): Promise<PinToken | LogInRefusal> {
    const loginHash = loginHashOf(login).toString('hex');
    const known = this.#pins.find((each) => each.loginHash === loginHash);
    const counted = this.#count(known?.accountId ?? loginHash);
    if (counted.type === 'too-many') return counted;
    const isRight = await isPassword(pin, known?.pinHash ?? null);
    const { log, branchId } = this.#options;
    if (!isRight || known === undefined) {
      log.warn({ accountId: known?.accountId ?? 'unknown' }, 'log-in by PIN refused');
      return { type: 'wrong' };
    }
    counted.forget();
    const { accountId, role, idKey } = known;
    const sessionId = randomUUID();
    this.#sessions.set(sessionId, accountId);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    const grant = { id: accountId, role, branchId, sessionId, idKeys: idKeysIn(Buffer.from(idKey, 'hex')) };
    const accessToken = await this.#signer.sign(grant, TOKEN_SECONDS, branchAudience(branchId));
    log.info({ accountId, sessionId, role }, 'logged in by PIN');
    return { accessToken, accessTokenSeconds: TOKEN_SECONDS };
  }

  /** Counts an attempt before the PIN is checked, so that concurrent attempts can't exceed the limit. */
  #count(key: string): { type: 'counted'; forget: () => void } | Extract<LogInRefusal, { type: 'too-many' }> {
    const now = this.#now();
    const recent = (this.#wrong.get(key) ?? []).filter((at) => now - at < WINDOW_MS);
    if (recent.length >= WRONG_MAX) {
      this.#options.log.warn({ key }, 'log-in by PIN refused after too many attempts');
      return { type: 'too-many', retryAfterMs: (recent[0] ?? now) + WINDOW_MS - now };
    }
    recent.push(now);
    this.#wrong.set(key, recent);
    return { type: 'counted', forget: () => void recent.splice(recent.indexOf(now), 1) };
  }

  #look(): Promise<void> {
    return this.#read().catch((error: Error) =>
      this.#options.log.error({ error: error.message }, 'PINs could not be stored in the file'),
    );
  }

  async #read(): Promise<void> {
    const { readPins, file, log } = this.#options;
    let pins: readonly BranchPin[];
    try {
      pins = await readPins();
    } catch (error) {
      log.debug({ reason: (error as Error).message }, 'PINs could not be read; the known ones stay valid');
      return;
    }
    if (isDeepStrictEqual(pins, this.#pins)) return;
    this.#pins = pins;
    writePins(file, pins);
    log.info({ accounts: pins.length }, 'PINs of the branch have changed');
  }
}

/** The id keys that stand one after the other in these bytes. */
function idKeysIn(bytes: Buffer): [Buffer, ...Buffer[]] {
  const [first, others] = [bytes.subarray(0, ID_KEY_BYTES), bytes.subarray(ID_KEY_BYTES)];
  return others.length === 0 ? [first] : [first, ...idKeysIn(others)];
}

type SigningKey = Awaited<ReturnType<typeof createSigningKey>>;

function pinsIn(file: string): BranchPin[] {
  try {
    return pinsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Writes the file with mode 0600, completely or not at all. */
function writePins(file: string, pins: readonly BranchPin[]): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, JSON.stringify(pins), { mode: 0o600 });
  renameSync(unfinished, file);
}
