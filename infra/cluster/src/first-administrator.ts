import { OwnToken, type TokenSecrets } from '@eco/access';
import type { Login } from '@eco/base';
import { z } from 'zod';
import { askUntilReady } from './ask-until-ready.js';

const NAME = 'admin';
const ASK_MS = 30_000;

const addedSchema = z.object({ password: z.string() });

/**
 * Adds the first administrator through the API. Returns the log-in name and the generated password, of which only a
 * hash is stored. Undefined: an earlier start has added the account.
 */
export async function addFirstAdministrator(centralUrl: string, tokens: TokenSecrets): Promise<Login | undefined> {
  const starter = new OwnToken(tokens, { id: 'first administrator', role: 'administrator' });
  const { status, text } = await askUntilReady(async () =>
    fetch(`${centralUrl}/accounts`, {
      method: 'POST',
      headers: { ...(await starter.header()), 'content-type': 'application/json' },
      body: JSON.stringify({ login: NAME, role: 'administrator' }),
      signal: AbortSignal.timeout(ASK_MS),
    }),
  );
  if (status === 409) return undefined;
  if (status === 201) return { user: NAME, ...addedSchema.parse(JSON.parse(text)) };
  throw new Error(`Central did not add the first administrator: ${status} ${text}`);
}
