import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { createSigningKey, publicKeyOf, TokenSigner, type VerifierSecrets } from '@eco/access';
import { PeriodicTask, type Log } from '@eco/base';
import { query, reasonOf, type Reads } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { z } from 'zod';
import { loginHashOf, roleSchema } from './account.js';
import type { LogInRefusal } from './identity.js';
import { isPassword } from './password.js';

/** Interval at which the hashes are read from the database, ms. */
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

const pinSchema = z.object({
  accountId: z.string(),
  /** SHA-256, hex. */
  loginHash: z.string(),
  role: roleSchema,
  pinHash: z.string(),
  /** 16 bytes, hex. */
  idKey: z.string(),
});
type Pin = z.infer<typeof pinSchema>;
const pinsSchema = z.array(pinSchema);

const branchPins = query<{
  account_id: string;
  login_hash: string;
  role: Pin['role'];
  pin_hash: string;
  id_key: string;
}>({
  name: 'branch-pins',
  rows: `SELECT account_id, encode(login_hash, 'hex') AS login_hash, role, pin_hash, encode(pin_id_key, 'hex') AS id_key
         FROM identity.branch_pin WHERE branch_id = $1`,
  order: 'r.account_id',
});

export interface BranchPinsOptions {
  readonly branchId: string;
  /** Keeps the hashes while the database is away and across restarts. */
  readonly file: string;
  readonly reads: Pick<Reads, 'groupIds' | 'ofGroup'>;
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
  #pins: readonly Pin[];

  private constructor(options: BranchPinsOptions, signingKey: SigningKey, pins: readonly Pin[]) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.publicKey = publicKeyOf(signingKey);
    // Each grant states its own id key, so this master secret is never used.
    this.#signer = new TokenSigner({ signingKey, idKeyMaster: randomBytes(32).toString('base64url') });
    this.#pins = pins;
  }

  /** Reads the file, if there is one. Throws if it can't be read. */
  static async open(options: BranchPinsOptions): Promise<BranchPins> {
    return new BranchPins(options, await createSigningKey(), readPins(options.file));
  }

  /** Reads the hashes from time to time. Resolves after the first read, even if no node answers. */
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
    const grant = { id: accountId, role, branchId, sessionId, idKey: Buffer.from(idKey, 'hex') };
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
    const { reads, branchId, file, log } = this.#options;
    // The tables of accounts are in the first group.
    const [home = ''] = reads.groupIds;
    const answer = await reads.ofGroup(home, branchPins, [branchId], { position: NO_POSITION, waitMs: 0 });
    if (answer.type !== 'answer') {
      log.debug({ reason: reasonOf(answer) }, 'PINs could not be read; the known ones stay valid');
      return;
    }
    const pins = answer.rows.map((row) => ({
      accountId: row.account_id,
      loginHash: row.login_hash,
      role: row.role,
      pinHash: row.pin_hash,
      idKey: row.id_key,
    }));
    if (isDeepStrictEqual(pins, this.#pins)) return;
    this.#pins = pins;
    writePins(file, pins);
    log.info({ accounts: pins.length }, 'PINs of the branch have changed');
  }
}

type SigningKey = Awaited<ReturnType<typeof createSigningKey>>;

function readPins(file: string): Pin[] {
  try {
    return pinsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Writes the file with mode 0600, completely or not at all. */
function writePins(file: string, pins: readonly Pin[]): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, JSON.stringify(pins), { mode: 0o600 });
  renameSync(unfinished, file);
}
