import { doubledMs, type Log } from '@eco/base';
import { IdentityUnavailableError, type DueMail, type MailPurpose, type MailStore } from '@eco/identity';
import type { Transporter } from 'nodemailer';
import { openMailTransport, SENDER, type MailServer } from '../consumers/notifications/mail-transport.js';

export interface CodeMailerOptions {
  readonly mails: MailStore;
  readonly server: MailServer;
  readonly log: Log;
}

/** Interval at which due mails are looked for. It is short because a person waits for the code. */
const LOOK_EVERY_MS = 1_000;
const AT_ONCE = 10;
/** Pause before a failed mail is sent again. It is at most 5 min, because a code is valid for an hour or a day. */
const RETRY = { firstMs: 5_000, capMs: 300_000 };

/** Texts by purpose. No text contains anything that a client chose, so nobody can send a message through them. */
const texts: Record<MailPurpose, (code: string) => { subject: string; text: string }> = {
  'confirm-address': (code) => ({
    subject: 'Confirm your e-mail address',
    text: `An account at EcoMarket was requested for this e-mail address. To make it, enter this code within 24 hours:\n\n${code}\n\nIf you did not request it, do nothing: then there will be no account.\n`,
  }),
  'address-in-use': () => ({
    subject: 'You have an account already',
    text: 'An account at EcoMarket was requested for this e-mail address, which has one already. Log in, or ask for another password.\n\nIf you did not request it, do nothing: your account is unchanged.\n',
  }),
  'reset-password': (code) => ({
    subject: 'Set another password',
    text: `Another password was requested for your account at EcoMarket. To set it, enter this code within one hour:\n\n${code}\n\nIf you did not request it, do nothing: your password is unchanged.\n`,
  }),
};

/** Sends the codes of sign-up and password reset. A mail whose sending failed is sent again with another code. */
export class CodeMailer {
  readonly #mails: MailStore;
  readonly #log: Log;
  readonly #transport: Transporter;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor({ mails, server, log }: CodeMailerOptions) {
    this.#mails = mails;
    this.#log = log;
    this.#transport = openMailTransport(server);
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Stops after the current round. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    this.#transport.close();
  }

  #look(): void {
    this.#round ??= this.#sendDue()
      .catch((error: Error) => {
        const level = error instanceof IdentityUnavailableError ? 'warn' : 'error';
        this.#log[level]({ error: error.message }, 'mails with codes can not be looked at now');
      })
      .finally(() => (this.#round = undefined));
  }

  async #sendDue(): Promise<void> {
    for (const mail of await this.#mails.claim(AT_ONCE)) await this.#send(mail);
  }

  async #send({ mailId, purpose, email, tries }: DueMail): Promise<void> {
    const hasCode = purpose !== 'address-in-use';
    const code = hasCode ? await this.#mails.newCode(mailId) : '';
    try {
      await this.#transport.sendMail({ from: SENDER, to: email, ...texts[purpose](code) });
    } catch (error) {
      const waitMs = doubledMs(tries + 1, RETRY);
      // The text of the server's error may contain the address, so only its code is logged.
      const { code: reason = 'unknown' } = error as { code?: string };
      this.#log.warn({ mailId, reason, waitMs }, 'a mail with a code could not be sent');
      return this.#mails.noteFailed(mailId, waitMs);
    }
    await this.#mails.noteSent(mailId, hasCode);
  }
}
