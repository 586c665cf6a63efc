import type { SignerSecrets } from './keys.js';
import { TokenSigner, type TokenGrant } from './token.js';

const VALID_SECONDS = 600;
const RENEW_MS = (VALID_SECONDS * 1000) / 2;

/**
 * The access token of a client that may read the installation's keys, such as the `eco` command. The client makes the
 * token itself, for 10 min, and renews it after 5 min.
 */
export class OwnToken {
  readonly #signer: TokenSigner;
  readonly #grant: TokenGrant;
  #token: Promise<string> | undefined;
  #madeMs = 0;

  constructor(secrets: SignerSecrets, grant: TokenGrant) {
    this.#signer = new TokenSigner(secrets);
    this.#grant = grant;
  }

  /** The header to send with each request. */
  async header(): Promise<{ readonly authorization: string }> {
    if (this.#token === undefined || performance.now() - this.#madeMs > RENEW_MS) {
      this.#madeMs = performance.now();
      this.#token = this.#signer.sign(this.#grant, VALID_SECONDS);
    }
    return { authorization: `Bearer ${await this.#token}` };
  }
}
