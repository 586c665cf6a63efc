import { randomBytes } from 'node:crypto';
import type { BranchKey, SignerSecrets } from './keys.js';
import { BRANCH_ROLE } from './principal.js';
import { AUDIENCE, TokenSigner, type TokenGrant } from './token.js';

const VALID_SECONDS = 600;
/** A branch's clock may be behind by as much as this, s, until it learns that of the head office. */
const BRANCH_VALID_SECONDS = 3_600;

export interface OwnTokenOptions {
  readonly validSeconds?: number;
  /** The clock of those who verify the token, ms since 1970. */
  readonly now?: () => number;
}

/**
 * The access token of a client that has a key and makes its tokens itself. It is renewed after half of its validity, so
 * the client needs nobody to renew it.
 */
export class OwnToken {
  readonly #signer: TokenSigner;
  readonly #grant: TokenGrant;
  readonly #validSeconds: number;
  readonly #now: () => number;
  #token: Promise<string> | undefined;
  #madeMs = 0;

  /** For a client that may read the installation's keys, such as the `eco` command. */
  constructor(secrets: SignerSecrets, grant: TokenGrant, options: OwnTokenOptions = {}) {
    const { validSeconds = VALID_SECONDS, now = Date.now } = options;
    this.#signer = new TokenSigner(secrets);
    this.#grant = grant;
    this.#validSeconds = validSeconds;
    this.#now = now;
  }

  /** For the API of a branch, which reads from the read-service. */
  static ofBranch(key: BranchKey, now?: () => number): OwnToken {
    const { branchId } = key;
    // A branch sends no commands to the read-service, so this id key makes no ids.
    const idKey = randomBytes(16);
    const secrets = { signingKey: key, idKeyMaster: '' };
    const grant: TokenGrant = { id: `branch.${branchId}`, role: BRANCH_ROLE, branchId, idKeys: [idKey] };
    return new OwnToken(secrets, grant, { validSeconds: BRANCH_VALID_SECONDS, ...(now && { now }) });
  }

  /** The header to send with each request. */
  async header(): Promise<{ readonly authorization: string }> {
    const nowMs = this.#now();
    // The clock may have been set in either direction since.
    if (this.#token === undefined || Math.abs(nowMs - this.#madeMs) > (this.#validSeconds * 1000) / 2) {
      this.#madeMs = nowMs;
      this.#token = this.#signer.sign(this.#grant, this.#validSeconds, AUDIENCE, nowMs);
    }
    return { authorization: `Bearer ${await this.#token}` };
  }
}
