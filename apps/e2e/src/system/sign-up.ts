import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { System } from './system.js';

/**
 * Signs up a customer with a confirmed address, and returns the customer's id. No mail server runs, so this puts a code
 * of its own into the row of the mail.
 */
export async function signUp(
  { central, sql }: Pick<System, 'central' | 'sql'>,
  { name, email, password = randomUUID() }: { name: string; email: string; password?: string },
): Promise<string> {
  const code = await codeOf({ central, sql }, email);
  const confirmed = await central.post('/auth/sign-up/confirm', { code, name, password }, { authorization: '' });
  if (confirmed.status !== 201) throw new Error(`sign-up: ${confirmed.status} ${confirmed.text}`);
  return String(confirmed.body?.['customerId']);
}

/** Requests a sign-up, and returns a code as the mail would contain it. */
export async function codeOf({ central, sql }: Pick<System, 'central' | 'sql'>, email: string): Promise<string> {
  const asked = await central.post('/auth/sign-up', { email }, { authorization: '' });
  if (asked.status !== 202) throw new Error(`sign-up: ${asked.status} ${asked.text}`);
  const secret = randomBytes(32).toString('base64url');
  const [mail] = await sql<{ mail_id: string }>(
    `UPDATE identity.mail SET code_hashes = code_hashes || $2::bytea
     WHERE mail_id = (SELECT mail_id FROM identity.mail WHERE email = $1 ORDER BY created_at DESC LIMIT 1)
     RETURNING mail_id`,
    [email, createHash('sha256').update(secret).digest()],
    { role: 'postgres' },
  );
  if (mail === undefined) throw new Error('the sign-up has made no mail');
  return `${Buffer.from(mail.mail_id.replaceAll('-', ''), 'hex').toString('base64url')}.${secret}`;
}
