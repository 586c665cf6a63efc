import { Module, type DynamicModule } from '@nestjs/common';
import { idKeysOf, TokenSigner, type TokenSecrets } from '@eco/access';
import {
  CustomerAccounts,
  Identity,
  IdentityStore,
  IdentityUnavailableError,
  MailStore,
  PrimaryConnection,
  readCommonPasswords,
} from '@eco/identity';
import { CommandIntake } from '@eco/intake';
import type { Reads } from '@eco/reads';
import type { Frame } from '@eco/service';
import { Counter } from 'prom-client';
import type { CentralConfig } from '../config.js';
import { AccountsController } from './accounts.controller.js';
import { AuthController } from './auth.controller.js';
import { CodeMailer } from './code-mailer.js';
import { SignUpController } from './sign-up.controller.js';

/** Interval at which ended sessions are removed and the id keys of PINs are compared. */
const KEEP_UP_EVERY_MS = 60_000;

/** Log-in, sessions and accounts of Central. The tables are in the first group. */
export class CentralAuth {
  readonly #frame: Frame;
  readonly #primary: PrimaryConnection;
  readonly #store: IdentityStore;
  readonly #mails: MailStore;
  readonly #signer: TokenSigner;
  #tokens: TokenSecrets;
  readonly #identity: Identity;
  readonly #customers: CustomerAccounts;
  readonly #intake: CommandIntake;
  readonly #mailer: CodeMailer | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(frame: Frame, { secrets, name, smtpUrl, smtpLogin }: CentralConfig, reads: Reads, intake: CommandIntake) {
    const [home = ''] = reads.groupIds;
    this.#frame = frame;
    this.#primary = new PrimaryConnection({
      nodes: () => reads.nodesOf(home),
      password: secrets.database.eco_identity,
      applicationName: `${name} identity`,
    });
    this.#store = new IdentityStore(this.#primary);
    this.#mails = new MailStore(this.#primary);
    const { log } = frame;
    this.#customers = new CustomerAccounts({ store: this.#store, mails: this.#mails, log });
    this.#intake = intake;
    if (smtpUrl !== undefined) {
      this.#mailer = new CodeMailer({ mails: this.#mails, server: { url: smtpUrl, login: smtpLogin }, log });
    }
    this.#tokens = secrets.tokens;
    this.#signer = new TokenSigner(secrets.tokens);
    this.#identity = new Identity({
      store: this.#store,
      signer: this.#signer,
      idKeysOf: (id) => this.#idKeysOf(id),
      log,
    });
    this.#measure();
  }

  #measure(): void {
    const { counts } = this.#identity;
    new Counter({
      name: 'eco_log_ins_total',
      help: 'Log-ins by result, and sessions that ended because a refresh token was used again',
      labelNames: ['result'],
      registers: [this.#frame.metrics.registry],
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(counts)) this.inc({ result }, count);
      },
    });
  }

  get module(): DynamicModule {
    return {
      module: AuthModule,
      controllers: [AuthController, SignUpController, AccountsController],
      providers: [
        { provide: Identity, useValue: this.#identity },
        { provide: CustomerAccounts, useValue: this.#customers },
        { provide: CommandIntake, useValue: this.#intake },
      ],
    };
  }

  /** Signs with these secrets from now on. */
  useTokenSecrets(tokens: TokenSecrets): void {
    this.#tokens = tokens;
    this.#signer.useSecrets(tokens);
    void this.#keepUp();
  }

  #idKeysOf(accountId: string): [Buffer, ...Buffer[]] {
    return idKeysOf(accountId, this.#tokens, Math.floor(Date.now() / 1000));
  }

  start(): void {
    readCommonPasswords();
    this.#timer ??= setInterval(() => void this.#keepUp(), KEEP_UP_EVERY_MS);
    this.#mailer?.start();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#mailer?.stop();
    this.#primary.close();
  }

  /** Removes ended sessions and old attempts. Gives PINs the id keys of their accounts after those were rotated. */
  async #keepUp(): Promise<void> {
    try {
      const pins = await this.#store.renewPinIdKeys((id) => Buffer.concat(this.#idKeysOf(id)));
      if (pins > 0) this.#frame.log.info({ pins }, 'PINs have the present id keys of their accounts');
      await this.#store.removeOld();
      await this.#mails.removeExpired();
    } catch (error) {
      const level = error instanceof IdentityUnavailableError ? 'warn' : 'error';
      this.#frame.log[level]({ error: (error as Error).message }, 'accounts can not be kept up to date now');
    }
  }
}

@Module({})
class AuthModule {}
