import { randomBytes, randomUUID } from 'node:crypto';
import type { TokenSigner } from '@eco/access';
import type { Log } from '@eco/base';
import type { Violation } from '@eco/contracts';
import { isUuid } from '@eco/routing';
import { isProgram, loginHashOf, standingViolations, type Account, type Standing } from './account.js';
import { logInSubjects, type AttemptSubject } from './attempts.js';
import type { IdentityStore, NewPassword, SessionSummary, StoredAccount } from './identity-store.js';
import { ACCESS_TOKEN_MS, GENERATED_PASSWORD_MS, lifetimesOf } from './lifetimes.js';
import { hashPassword, isOutdated, isPassword } from './password.js';
import { familyHashOf, newFamily, useToken, type RefreshFamily } from './refresh-family.js';

export interface IdentityOptions {
  readonly store: IdentityStore;
  readonly signer: TokenSigner;
  /** Id keys of an account, the present one first. */
  readonly idKeysOf: (accountId: string) => readonly Buffer[];
  /** The audit trail: it names accounts and sessions by their ids only. */
  readonly log: Log;
}

/** Tokens of a program. */
export interface AccessToken {
  readonly accessToken: string;
  /** s */
  readonly accessTokenSeconds: number;
}

/** Tokens of a person. */
export interface SessionTokens extends AccessToken {
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly account: Account;
}

/** Reason why a log-in returns no tokens. `wrong` does not distinguish an unknown account from a wrong password. */
export type LogInRefusal = { readonly type: 'wrong' } | { readonly type: 'too-many'; readonly retryAfterMs: number };

/** Credentials of a person or a program. `address`: the network address that sent them, as text. */
export interface Credentials {
  readonly login: string;
  readonly password: string;
  readonly address: string;
}

export interface NewAccount extends Standing {
  /** Log-in name. */
  readonly login: string;
  /** Absent: a password is generated and returned. */
  readonly password?: string | undefined;
}

/** 120 random bits. As base64url they need no escape in JSON, URLs and shells. */
const GENERATED_PASSWORD_BYTES = 15;
/**
 * Most tries to rotate a token. A try fails if another request has rotated the token meanwhile, which is not plausible
 * more than once.
 */
const ROTATIONS_MAX = 3;

/**
 * Log-in, sessions and accounts. HTTP is left to the controllers. Every method throws an `IdentityUnavailableError`
 * while the account store does not answer, and those that check or set a password throw a `PasswordsBusyError` under
 * too much load.
 */
export class Identity {
  /** Log-ins and token requests of this process by result, and sessions that ended because a token was used again. */
  readonly counts = { done: 0, refused: 0, limited: 0, reused: 0 };
  readonly #store: IdentityStore;
  readonly #signer: TokenSigner;
  readonly #idKeysOf: IdentityOptions['idKeysOf'];
  readonly #log: Log;

  constructor({ store, signer, idKeysOf, log }: IdentityOptions) {
    this.#store = store;
    this.#signer = signer;
    this.#idKeysOf = idKeysOf;
    this.#log = log;
  }

  /** Begins a session of a person. */
  async logIn(credentials: Credentials): Promise<SessionTokens | LogInRefusal> {
    const proven = await this.#prove(credentials, (account) => !isProgram(account));
    if ('type' in proven) return proven;
    const { family, token } = newFamily(randomBytes(64));
    const begun = await this.#begin(proven, family);
    if (begun === undefined) return { type: 'wrong' };
    return { ...(await this.#accessToken(begun.account, begun.sessionId)), ...begun, refreshToken: token };
  }

  /** Gives a program an access token (client credentials). */
  async tokenFor(credentials: Credentials): Promise<AccessToken | LogInRefusal> {
    const proven = await this.#prove(credentials, isProgram);
    if ('type' in proven) return proven;
    const begun = await this.#begin(proven);
    return begun === undefined ? { type: 'wrong' } : this.#accessToken(begun.account, begun.sessionId);
  }

  /**
   * Returns the next tokens of a session. Undefined: the token is unknown, or its session has ended. The reuse of a
   * token also ends its session.
   */
  async refresh(refreshToken: string): Promise<SessionTokens | undefined> {
    const familyHash = familyHashOf(refreshToken);
    if (familyHash === undefined) return undefined;
    for (let tries = 0; tries < ROTATIONS_MAX; tries += 1) {
      const session = await this.#store.findSession(familyHash);
      if (session === undefined || session.isEnded) return undefined;
      const { account, sessionId, nowMs } = session;
      const { accountId } = account;
      const use = useToken(session.family, refreshToken, nowMs, randomBytes(32));
      if (use.type === 'foreign') return undefined;
      if (use.type === 'reuse') {
        await this.#store.endSession(accountId, sessionId);
        this.counts.reused += 1;
        this.#log.warn({ accountId, sessionId }, 'a refresh token was used again; its session has ended');
        return undefined;
      }
      const isStored =
        use.type === 'repeat' || (await this.#store.rotate(sessionId, use.family, lifetimesOf(account.role).idleMs));
      if (!isStored) continue;
      return { ...(await this.#accessToken(account, sessionId)), sessionId, account, refreshToken: use.token };
    }
    return undefined;
  }

  /** Ends the session of a refresh token, or all sessions of its account. An unknown token changes nothing. */
  async logOut(refreshToken: string, { everywhere }: { everywhere: boolean }): Promise<void> {
    const familyHash = familyHashOf(refreshToken);
    const session = familyHash === undefined ? undefined : await this.#store.findSession(familyHash);
    if (session === undefined) return;
    const { sessionId, account } = session;
    if (everywhere) await this.#store.endSessions(account.accountId);
    else await this.#store.endSession(account.accountId, sessionId);
    this.#log.info({ accountId: account.accountId, sessionId, everywhere }, 'logged out');
  }

  /** The sessions of an account; none for a token that belongs to no account. */
  async sessions(accountId: string): Promise<SessionSummary[]> {
    return isUuid(accountId) ? this.#store.sessions(accountId) : [];
  }

  /** Ends one session of the account. `unknown`: the account has no such session. */
  async endSession(
    accountId: string,
    { sessionId, password, address }: SessionEnd,
  ): Promise<'ended' | 'unknown' | LogInRefusal> {
    const proven = await this.#proveOwn(accountId, password, address);
    if ('type' in proven) return proven;
    if (!(await this.#store.endSession(accountId, sessionId))) return 'unknown';
    this.#log.info({ accountId, sessionId }, 'logged out');
    return 'ended';
  }

  /** Sets another password, and ends all sessions except the one that requests it. */
  async changePassword(
    accountId: string,
    { password, newPassword, sessionId, address }: PasswordChange,
  ): Promise<'changed' | LogInRefusal> {
    const proven = await this.#proveOwn(accountId, password, address);
    if ('type' in proven) return proven;
    await this.#store.changeAccount(accountId, { password: ownPassword(await hashPassword(newPassword)) }, sessionId);
    this.#log.info({ accountId }, 'password changed; the other sessions of the account have ended');
    return 'changed';
  }

  /** Sets the PIN with which a person logs in at the person's branch, even while Central can't be reached. */
  async setPin(accountId: string, { password, pin, address }: PinChange): Promise<'changed' | LogInRefusal> {
    const proven = await this.#proveOwn(accountId, password, address);
    if ('type' in proven) return proven;
    const pinHash = await hashPassword(pin);
    if (!(await this.#store.setPin(accountId, pinHash, Buffer.concat(this.#idKeysOf(accountId)))))
      return { type: 'wrong' };
    this.#log.info({ accountId }, 'PIN set');
    return 'changed';
  }

  /** Adds an account. `actor`: the id of the administrator who adds it. */
  async addAccount(
    { login, password: given, ...standing }: NewAccount,
    actor: string,
  ): Promise<AddedAccount | BadStanding | { readonly type: 'taken' }> {
    const violations = standingViolations(standing);
    if (violations.length > 0) return { type: 'bad-standing', violations };
    const isCustomer = standing.role === 'customer';
    const password = given ?? generatedPassword();
    const hash = await hashPassword(password);
    const account = await this.#store.addAccount(
      randomUUID(),
      {
        login: isCustomer ? null : login.toLowerCase(),
        loginHash: loginHashOf(login),
        password: given === undefined ? firstPassword(hash, standing) : ownPassword(hash),
      },
      standing,
    );
    if (account === undefined) return { type: 'taken' };
    const { accountId, role, branchId } = account;
    this.#log.info({ accountId, role, branchId, actor }, 'account added');
    return { type: 'added', account, password };
  }

  find(accountId: string): Promise<Account | undefined> {
    return this.#store.find(accountId);
  }

  staff(after: string, limit: number): Promise<Account[]> {
    return this.#store.staff(after, limit);
  }

  /**
   * Changes role, branch, scopes or whether it is disabled, and ends the account's sessions: no token keeps the former
   * rights.
   */
  async changeAccount(
    accountId: string,
    change: AccountChange,
    actor: string,
  ): Promise<ChangedAccount | BadStanding | { readonly type: 'unknown' }> {
    const before = await this.#store.find(accountId);
    if (before === undefined) return { type: 'unknown' };
    const violations = standingViolations({ ...before, ...change });
    if (violations.length > 0) return { type: 'bad-standing', violations };
    const account = await this.#store.changeAccount(accountId, change);
    if (account === undefined) return { type: 'unknown' };
    const { role, branchId, isDisabled } = account;
    this.#log.info({ accountId, role, branchId, isDisabled, actor }, 'account changed; its sessions have ended');
    return { type: 'changed', account };
  }

  /** Sets a generated password, which is returned once, and ends the account's sessions. */
  async resetPassword(accountId: string, actor: string): Promise<string | undefined> {
    const before = await this.#store.find(accountId);
    if (before === undefined) return undefined;
    const password = generatedPassword();
    const hash = await hashPassword(password);
    const account = await this.#store.changeAccount(accountId, { password: firstPassword(hash, before) });
    if (account === undefined) return undefined;
    this.#log.info({ accountId, actor }, 'password reset; the sessions of the account have ended');
    return password;
  }

  /** Checks the present password of the person who is logged in. */
  async #proveOwn(accountId: string, password: string, address: string): Promise<StoredAccount | LogInRefusal> {
    // A token that a command made belongs to no account.
    const account = isUuid(accountId) ? await this.#store.find(accountId) : undefined;
    if (account === undefined || account.isDisabled) return { type: 'wrong' };
    const counted = await this.#countAttempts(logInSubjects(Buffer.from(accountId), address));
    if ('type' in counted) return counted;
    if (!(await isPassword(password, account.passwordHash))) return this.#refuse(accountId);
    await this.#forgetAttempts(counted);
    return account;
  }

  /** Checks the credentials. It takes the same time for an unknown account, a disabled one and a wrong password. */
  async #prove(
    { login, password, address }: Credentials,
    mayUse: (account: Account) => boolean,
  ): Promise<StoredAccount | LogInRefusal> {
    const loginHash = loginHashOf(login);
    const counted = await this.#countAttempts(logInSubjects(loginHash, address));
    if ('type' in counted) return counted;
    const account = await this.#store.findByLogin(loginHash);
    const isRight = await isPassword(password, account?.passwordHash ?? null);
    if (!isRight || account === undefined || account.isDisabled || !mayUse(account)) {
      return this.#refuse(account?.accountId);
    }
    if (account.hasExpiredPassword) return this.#refuse(account.accountId, 'the generated password has expired');
    await this.#forgetAttempts(counted);
    return account.passwordHash !== null && isOutdated(account.passwordHash)
      ? this.#rehashed(account, account.passwordHash, password)
      : account;
  }

  async #rehashed(account: StoredAccount, from: string, password: string): Promise<StoredAccount> {
    const passwordHash = await hashPassword(password);
    await this.#store.rehash(account.accountId, from, passwordHash);
    return { ...account, passwordHash };
  }

  #refuse(accountId: string | undefined, reason?: string): LogInRefusal {
    this.counts.refused += 1;
    this.#log.warn({ accountId: accountId ?? 'unknown', reason }, 'log-in refused');
    return { type: 'wrong' };
  }

  async #begin(
    account: StoredAccount,
    family?: RefreshFamily,
  ): Promise<{ account: Account; sessionId: string } | undefined> {
    const sessionId = randomUUID();
    const lifetimes = family === undefined ? PROGRAM_SESSION : lifetimesOf(account.role);
    const current = await this.#store.beginSession(sessionId, account, lifetimes, family);
    if (current === undefined) return undefined;
    this.counts.done += 1;
    this.#log.info({ accountId: current.accountId, sessionId, role: current.role }, 'logged in');
    return { account: current, sessionId };
  }

  async #accessToken(account: Account, sessionId: string): Promise<AccessToken> {
    const { accountId: id, role, branchId, customerId, scopes } = account;
    const accessTokenSeconds = ACCESS_TOKEN_MS / 1000;
    const grant = { id, role, branchId, customerId, scopes, sessionId };
    return { accessToken: await this.#signer.sign(grant, accessTokenSeconds), accessTokenSeconds };
  }

  async #countAttempts(subjects: readonly AttemptSubject[]): Promise<CountedAttempt[] | LogInRefusal> {
    const counted: CountedAttempt[] = [];
    for (const subject of subjects) {
      const count = await this.#store.countAttempt(subject);
      if (count.type === 'refused') {
        this.counts.limited += 1;
        this.#log.warn({ retryAfterMs: count.retryAfterMs }, 'log-in refused after too many attempts');
        return { type: 'too-many', retryAfterMs: count.retryAfterMs };
      }
      counted.push({ subject, countedAt: count.countedAt });
    }
    return counted;
  }

  async #forgetAttempts(counted: readonly CountedAttempt[]): Promise<void> {
    for (const { subject, countedAt } of counted) await this.#store.forgetAttempt(subject, countedAt);
  }
}

interface CountedAttempt {
  readonly subject: AttemptSubject;
  readonly countedAt: string;
}

export interface SessionEnd {
  /** The session to end. */
  readonly sessionId: string;
  /** The present password. */
  readonly password: string;
  readonly address: string;
}

export interface PinChange {
  /** The present password. */
  readonly password: string;
  readonly pin: string;
  readonly address: string;
}

export interface PasswordChange {
  /** The present password. */
  readonly password: string;
  readonly newPassword: string;
  /** The session that does not end. Null: every session ends. */
  readonly sessionId: string | null;
  readonly address: string;
}

/** The password is returned once and stored as a hash only. */
export interface AddedAccount {
  readonly type: 'added';
  readonly account: Account;
  readonly password: string;
}

export interface ChangedAccount {
  readonly type: 'changed';
  readonly account: Account;
}

/** No account may have this combination of role, branch, customer and scopes. */
export interface BadStanding {
  readonly type: 'bad-standing';
  readonly violations: readonly Violation[];
}

export interface AccountChange {
  readonly role?: Standing['role'];
  readonly branchId?: Standing['branchId'];
  readonly scopes?: Standing['scopes'];
  readonly isDisabled?: boolean;
}

/** A program has no refresh token, so its session lasts as long as its token. */
const PROGRAM_SESSION = { idleMs: ACCESS_TOKEN_MS, totalMs: ACCESS_TOKEN_MS };

function ownPassword(hash: string): NewPassword {
  return { hash, validMs: null };
}

/** A generated password. A person must replace it; a program has no other. */
function firstPassword(hash: string, account: Pick<Account, 'role'>): NewPassword {
  return { hash, validMs: isProgram(account) ? null : GENERATED_PASSWORD_MS };
}

function generatedPassword(): string {
  return randomBytes(GENERATED_PASSWORD_BYTES).toString('base64url');
}
