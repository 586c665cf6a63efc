import { randomUUID } from 'node:crypto';
import type { Log } from '@eco/base';
import { loginHashOf } from './account.js';
import { mailSubjects } from './attempts.js';
import type { IdentityStore } from './identity-store.js';
import type { ConfirmedMail, MailStore } from './mail-store.js';
import { hashPassword } from './password.js';

export interface CustomerAccountsOptions {
  readonly store: IdentityStore;
  readonly mails: MailStore;
  readonly log: Log;
}

/** This network address has requested too many mails. */
export interface TooMany {
  readonly type: 'too-many';
  readonly retryAfterMs: number;
}

/**
 * Accounts that customers make for themselves: sign-up, confirmation of the e-mail address, password reset. A response
 * never shows whether an address has an account: it is the same for every address, and only the mail differs.
 *
 * Every method throws an `IdentityUnavailableError`, and those that set a password a `PasswordsBusyError`.
 */
export class CustomerAccounts {
  readonly #store: IdentityStore;
  readonly #mails: MailStore;
  readonly #log: Log;

  constructor({ store, mails, log }: CustomerAccountsOptions) {
    this.#store = store;
    this.#mails = mails;
    this.#log = log;
  }

  /** Sends a code to the address, or the notice that it has an account. Undefined: the mail will be sent. */
  requestSignUp(email: string, address: string): Promise<TooMany | undefined> {
    return this.#request(email, address, (mailId, loginHash) => this.#mails.addSignUp(mailId, email, loginHash));
  }

  /** Sends a code to the address if a customer has it. Undefined: the request was accepted. */
  requestReset(email: string, address: string): Promise<TooMany | undefined> {
    return this.#request(email, address, (mailId, loginHash) => this.#mails.addReset(mailId, email, loginHash));
  }

  /** The sign-up that belongs to a code. Undefined: the code is unknown, used or expired. */
  findSignUp(code: string): Promise<ConfirmedMail | undefined> {
    return this.#mails.find(code, 'confirm-address');
  }

  /** Makes the account of a confirmed address. Its customer id is the mail's id. False: the code was used. */
  async completeSignUp({ mailId, email }: ConfirmedMail, password: string): Promise<boolean> {
    const accountId = randomUUID();
    const secrets = { loginHash: loginHashOf(email), passwordHash: await hashPassword(password) };
    const isAdded = await this.#mails.useForAccount(mailId, { accountId, customerId: mailId }, secrets);
    if (isAdded) this.#log.info({ accountId, customerId: mailId }, 'customer signed up');
    return isAdded;
  }

  /**
   * Sets the password with a code, and ends all sessions of the account. False: the code is unknown, used or expired.
   */
  async resetPassword(code: string, password: string): Promise<boolean> {
    const mail = await this.#mails.find(code, 'reset-password');
    const accountId = mail?.accountId ?? null;
    if (mail === undefined || accountId === null) return false;
    const passwordHash = await hashPassword(password);
    if (!(await this.#mails.use(mail.mailId))) return false;
    await this.#store.changeAccount(accountId, { password: { hash: passwordHash, validMs: null } });
    this.#log.info({ accountId }, 'password reset by mail; the sessions of the account have ended');
    return true;
  }

  async #request(
    email: string,
    address: string,
    add: (mailId: string, loginHash: Buffer) => Promise<void>,
  ): Promise<TooMany | undefined> {
    const loginHash = loginHashOf(email);
    const [from, to] = mailSubjects(loginHash, address);
    const asked = await this.#store.countAttempt(from);
    if (asked.type === 'refused') return { type: 'too-many', retryAfterMs: asked.retryAfterMs };
    // The response stays the same: it must not show that another client has requested mails to this address.
    const sent = await this.#store.countAttempt(to);
    if (sent.type === 'counted') await add(randomUUID(), loginHash);
    return undefined;
  }
}
