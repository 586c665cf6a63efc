import { TLS_VERSION_MIN, type Login } from '@eco/base';
import { createTransport, type Transporter } from 'nodemailer';

export interface MailServer {
  /** `smtp://host:port` or `smtps://host:port`. */
  readonly url: string;
  /** Absent: the server requires no login. */
  readonly login?: Login | undefined;
}

/** Sender of every mail. Nobody reads replies to it. */
export const SENDER = 'EcoMarket <no-reply@ecomarket.invalid>';
const SMTP_TIMEOUT_MS = 5_000;

/**
 * A login is sent only over TLS and to a server whose certificate is valid: a server of `smtp:` must then offer STARTTLS.
 * Without a login STARTTLS is used if the server offers it.
 */
export function openMailTransport({ url, login }: MailServer): Transporter {
  const { protocol, hostname, port } = new URL(url);
  return createTransport({
    host: hostname,
    port: port === '' ? undefined : Number(port),
    secure: protocol === 'smtps:',
    requireTLS: login !== undefined,
    tls: { minVersion: TLS_VERSION_MIN, rejectUnauthorized: true },
    ...(login && { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  });
}
