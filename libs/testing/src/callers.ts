import { createSecretKey, type KeyObject } from 'node:crypto';
import { createTokenSecrets, idKeyOf, OwnToken, type SignerSecrets, type TokenGrant } from '@eco/access';
import { customerIdSchema } from '@eco/contracts';

/** Keys for services that a spec starts within its own process. */
export const specTokens = createTokenSecrets();

/** The default caller of a path, which may use it: the head office, or the customer of the cart in the path. */
function usualGrantOf(path: string): TokenGrant {
  const [, noun, key = ''] = path.split(/[/?]/);
  switch (noun) {
    case 'carts': {
      const customerId = customerIdSchema.safeParse(decoded(key)).data ?? 'ana';
      return { id: customerId, role: 'customer', customerId };
    }
    case 'changes':
      return { id: 'spec', role: 'integration', scopes: ['events'] };
    case 'replication':
      return { id: 'spec', role: 'operator' };
    default:
      return { id: 'spec', role: 'manager' };
  }
}

/** The id key of the default caller of a path: it determines the ids of requests with an `Idempotency-Key`. */
export function usualIdKey(path: string, { idKeyMaster }: SignerSecrets): KeyObject {
  return createSecretKey(idKeyOf(usualGrantOf(path).id, idKeyMaster));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The access tokens of a suite's clients. */
export class Callers {
  readonly #tokens = new Map<string, OwnToken>();

  readonly #secrets: () => SignerSecrets | Promise<SignerSecrets>;

  constructor(secrets: () => SignerSecrets | Promise<SignerSecrets>) {
    this.#secrets = secrets;
  }

  /** Headers with the token of a caller with this grant. */
  async as(grant: TokenGrant): Promise<{ readonly authorization: string }> {
    const name = JSON.stringify(grant);
    const token = this.#tokens.get(name) ?? new OwnToken(await this.#secrets(), grant);
    this.#tokens.set(name, token);
    return token.header();
  }

  /** Headers with the token of a caller that may use the path. */
  usual(path: string): Promise<{ readonly authorization: string }> {
    return this.as(usualGrantOf(path));
  }
}
