import { levelOf, type ConsumerStore } from '@eco/consumers';
import { doubledMs, type Log } from '@eco/base';
import type { Transporter } from 'nodemailer';
import { Counter, type Registry } from 'prom-client';
import { openMailTransport, SENDER, type MailServer } from './mail-transport.js';
import { Notification } from './notification.entity.js';

export interface MailerOptions {
  readonly store: ConsumerStore;
  readonly server: MailServer;
  /** Time for which sent notifications are kept, ms. */
  readonly keepSentMs: number;
  readonly registry: Registry;
  readonly log: Log;
}

const LOOK_EVERY_MS = 2_000;
const AT_ONCE = 20;
/**
 * Time after which a claim ends, ms, because its process may have ended. It is longer than a whole round of sending.
 */
const CLAIM_MS = 5 * 60_000;
/** Old sent notifications are removed at this interval, at most this many at a time. An index finds the oldest. */
const REMOVE_EVERY_MS = 60_000;
const REMOVED_MAX = 500;
/**
 * Pause between two tries of a mail. It doubles up to an hour. The mailer never gives up, because a person waits for
 * the mail.
 */
const RETRY = { firstMs: 5_000, capMs: 3_600_000 };

/**
 * Sends due notifications. Each is claimed first by moving its next try into the future, so that several processes do
 * not send it twice. If a process ends between sending and recording, the mail is sent again, because it can't be part
 * of a transaction. All times are by the database's clock: with their own clocks, processes could take each other's
 * claims for expired.
 */
export class Mailer {
  readonly #transport: Transporter;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #stopped = false;
  #removesAtMs = 0;
  #sent = 0;
  #failed = 0;
  readonly #options: MailerOptions;

  constructor(options: MailerOptions) {
    this.#options = options;
    this.#transport = openMailTransport(options.server);
    const counts = () => ({ sent: this.#sent, failed: this.#failed });
    new Counter({
      name: 'eco_mails_total',
      help: 'Mails accepted by the server, and failed tries',
      labelNames: ['result'],
      registers: [options.registry],
      collect() {
        this.reset();
        for (const [result, count] of Object.entries(counts())) this.inc({ result }, count);
      },
    });
  }

  start(): void {
    this.#timer ??= setInterval(() => this.wake(), LOOK_EVERY_MS);
    this.wake();
  }

  /** Call it when a notification may be due. */
  wake(): void {
    if (this.#stopped) return;
    this.#round ??= this.#sendDue()
      .catch((error: Error) =>
        this.#options.log[levelOf(error)]({ error: error.message }, 'notifications cannot be queried now'),
      )
      .finally(() => (this.#round = undefined));
  }

  /** Resolves when the current mail is sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#round;
    this.#transport.close();
  }

  async #sendDue(): Promise<void> {
    for (;;) {
      const due = await this.#claim();
      for (const [index, notification] of due.entries()) {
        if (this.#stopped) return this.#release(due.slice(index));
        await this.#send(notification);
      }
      if (due.length < AT_ONCE) break;
    }
    await this.#removeOld();
  }

  /**
   * Removes old sent notifications. Failed ones may stay among the oldest forever. The index excludes them by `state`,
   * so they hide no others.
   */
  async #removeOld(): Promise<void> {
    if (performance.now() < this.#removesAtMs) return;
    this.#removesAtMs = performance.now() + REMOVE_EVERY_MS;
    await this.#options.store.write((manager) =>
      manager.query(
        `DELETE FROM notifications.notification WHERE id IN (
           SELECT n.id FROM notifications.notification n
           WHERE n.state = 'sent' AND n.created_at < now() - $1 * interval '1 ms'
           ORDER BY n.created_at, n.id LIMIT ${REMOVED_MAX})`,
        [this.#options.keepSentMs],
      ),
    );
  }

  #claim(): Promise<Notification[]> {
    return this.#options.store.write(async (manager) => {
      const due = await manager
        .createQueryBuilder(Notification, 'n')
        .where(`n.state <> 'sent' AND n.next_try_at <= now()`)
        .orderBy('n.next_try_at')
        .take(AT_ONCE)
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .getMany();
      if (due.length > 0) {
        await manager.update(
          Notification,
          due.map(({ id }) => id),
          { nextTryAt: inMs(CLAIM_MS) },
        );
      }
      return due;
    });
  }

  async #release(claimed: readonly Notification[]): Promise<void> {
    await this.#options.store.write((manager) =>
      manager.update(
        Notification,
        claimed.map(({ id }) => id),
        { nextTryAt: inMs(0) },
      ),
    );
  }

  async #send({ id, email, tries }: Notification): Promise<void> {
    const { store, log } = this.#options;
    let said: string | undefined;
    try {
      await this.#transport.sendMail({
        from: SENDER,
        to: email,
        subject: 'Welcome to EcoMarket',
        // A branch may choose the customer id and the name, so the text has neither.
        text: 'Welcome!\n\nYou are registered with EcoMarket.\n',
        messageId: `<${id}@ecomarket.invalid>`,
      });
    } catch (error) {
      said = (error as Error).message;
    }
    if (said === undefined) {
      this.#sent += 1;
      await store.write((manager) =>
        manager.update(Notification, id, { state: 'sent', tries: tries + 1, sentAt: inMs(0), lastError: null }),
      );
      return;
    }
    this.#failed += 1;
    const waitMs = doubledMs(tries + 1, RETRY);
    log.warn({ notificationId: id, error: said, waitMs }, 'a notification could not be sent');
    await store.write((manager) =>
      manager.update(Notification, id, {
        state: 'failing',
        tries: tries + 1,
        lastError: said,
        nextTryAt: inMs(waitMs),
      }),
    );
  }
}

/** SQL for this time from now, by the database's clock. */
const inMs = (ms: number) => () => `now() + interval '${ms} milliseconds'`;
