import { isDeepStrictEqual } from 'node:util';
import type { VerifierSecrets } from '@eco/access';
import type { Log } from '@eco/base';

/**
 * Interval at which the file is read, ms. A rotation waits longer between its two steps; see `rotateSigningKey` of
 * @eco/cluster.
 */
const LOOK_EVERY_MS = 2_000;

/** Token keys in the secrets file of a process. */
export interface TokenKeysFile<Tokens extends VerifierSecrets> {
  readonly tokens: Tokens;
  /** Reads the file again. An error that it throws quotes nothing of the file. */
  readTokens(): Tokens;
}

/**
 * Calls `use` when the token keys in the secrets file have changed, so that keys are rotated without a restart. While
 * the file can't be read the known keys stay in use. Ends when `stopping` is aborted.
 */
export function followTokenKeys<Tokens extends VerifierSecrets>(
  file: TokenKeysFile<Tokens>,
  { log, stopping }: { readonly log: Log; readonly stopping: AbortSignal },
  use: (tokens: Tokens) => void,
): void {
  let known = file.tokens;
  const look = () => {
    try {
      const tokens = file.readTokens();
      if (isDeepStrictEqual(tokens, known)) return;
      known = tokens;
      use(tokens);
      log.info({ keys: tokens.keys.map(({ kid }) => kid) }, 'keys of access tokens have changed');
    } catch (error) {
      log.error(
        { error: (error as Error).message },
        'keys of access tokens could not be read; the known ones stay in use',
      );
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true });
}
