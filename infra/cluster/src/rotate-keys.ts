import { announceKey, useAnnouncedKey, type TokenSecrets } from '@eco/access';
import { sleep } from '@eco/base';
import type { ServiceNode } from './layout.js';
import { openSecrets, writeTokenSecrets } from './secrets.js';

/** Wait until every process has read its file, ms. A process reads it every 2 s, on a busy machine later. */
const READ_BY_ALL_MS = 10_000;

/** Rotates the key of a cluster of processes. Returns the id of the new key. */
export async function rotateSigningKey(dataDir: string, services: readonly ServiceNode[]): Promise<string> {
  return rotateKeyIn(dataDir, (tokens) => writeTokenSecrets(dataDir, services, tokens));
}

/**
 * Makes a new key that signs access tokens, without logging anybody out. Every service knows the new key before a token
 * is signed with it, and the old key until its last token has expired. Returns the id of the new key. If a rotation was
 * interrupted, the next one continues it. `write` replaces the keys in the file of every process.
 */
export async function rotateKeyIn(dataDir: string, write: (tokens: TokenSecrets) => Promise<void>): Promise<string> {
  const announced = await announceKey((await openSecrets(dataDir)).tokens);
  await write(announced);
  await sleep(READ_BY_ALL_MS);
  const rotated = useAnnouncedKey(announced, Math.floor(Date.now() / 1000));
  await write(rotated);
  return rotated.signingKey.kid;
}
