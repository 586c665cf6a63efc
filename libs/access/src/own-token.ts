import { randomBytes } from 'node:crypto';
import type { BranchKey, SignerSecrets } from './keys.js';
import { BRANCH_ROLE } from './principal.js';
import { TokenSigner, type TokenGrant } from './token.js';

const VALID_SECONDS = 600;
/** A branch's clock may be behind by as much as this, s. */
const BRANCH_VALID_SECONDS = 3_600;

/**
 * The access token of a client that has a key and makes its tokens itself. It is renewed after half of its validity, so
 * the client needs nobody to renew it.
 */
export class OwnToken {
  readonly #signer: TokenSigner;
  readonly #grant: TokenGrant;
  readonly #validSeconds: number;
  #token: Promise<string> | undefined;
  #madeMs = 0;

  /** For a client that may read the installation's keys, such as the `eco` command. */
  constructor(secrets: SignerSecrets, grant: TokenGrant, validSeconds = VALID_SECONDS) {
    this.#signer = new TokenSigner(secrets);
    this.#grant = grant;
    this.#validSeconds = validSeconds;
  }

  /** For the API of a branch, which reads from the read-service. */
  static ofBranch(key: BranchKey): OwnToken {
    const { branchId } = key;
    // A branch sends no commands to the read-service, so this id key makes no ids.
    const idKey = randomBytes(16);
    const secrets = { signingKey: key, idKeyMaster: '' };
    const grant: TokenGrant = { id: `branch.${branchId}`, role: BRANCH_ROLE, branchId, idKeys: [idKey] };
    return new OwnToken(secrets, grant, BRANCH_VALID_SECONDS);
  }

  /** The header to send with each request. */
  async header(): Promise<{ readonly authorization: string }> {
    if (this.#token === undefined || performance.now() - this.#madeMs > (this.#validSeconds * 1000) / 2) {
      this.#madeMs = performance.now();
      this.#token = this.#signer.sign(this.#grant, this.#validSeconds);
    }
    return { authorization: `Bearer ${await this.#token}` };
  }
}
