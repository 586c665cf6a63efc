import { announceKey, useAnnouncedKey } from '@eco/access';
import { sleep } from '@eco/base';
import type { ServiceNode } from './layout.js';
import { openSecrets, writeTokenSecrets } from './secrets.js';

/** Each process reads its file every 2 s. A busy machine may take longer. */
const READ_BY_ALL_MS = 10_000;

/**
 * Makes a new key that signs access tokens, without logging anybody out: every service knows the new key before it signs,
 * and the old one until its last token is not accepted any more. Returns the id of the new key. An interrupted rotation
 * is continued by the next one.
 */
export async function rotateSigningKey(dataDir: string, services: readonly ServiceNode[]): Promise<string> {
  const announced = await announceKey((await openSecrets(dataDir)).tokens);
  await writeTokenSecrets(dataDir, services, announced);
  await sleep(READ_BY_ALL_MS);
  const rotated = useAnnouncedKey(announced, Math.floor(Date.now() / 1000));
  await writeTokenSecrets(dataDir, services, rotated);
  return rotated.signingKey.kid;
}
