import type { Command, CommandBody, CommandKind } from '@eco/contracts';
import { bodyHash } from '@eco/domain';

/** At least the last half of this many are remembered. About 200 bytes each, so 10 MB. */
const KEYS_MAX = 50_000;

/** `unkeyed`: its id is unique, so no other content can come under it. */
export type Claim = 'unkeyed' | 'new' | 'same' | 'conflict';

/**
 * Remembers which content came under ids derived from an `Idempotency-Key`. So a client that uses one key for two
 * requests learns it at once, even if it does not wait for the outcome. If the key was forgotten, or used at another
 * process, the writer notices: it keeps the second content as a dead letter.
 */
export class KeyMemory {
  // Two halves; the older one is dropped whole, because deleting a Map's first entry each time takes 100 µs (V8 13).
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  readonly #max: number;

  constructor(max = KEYS_MAX) {
    this.#max = max;
  }

  /** Notes the first content under an id; a later one is compared with it. */
  claim<K extends CommandKind>({ id, kind, body }: { id: string; kind: K; body: CommandBody<K> }): Claim {
    if (!isDerived(id)) return 'unkeyed';
    // 2 µs to hash it and up to 5 to keep it, of about 100 µs per request. Requests without a key do not pay for it.
    const hash = bodyHash({ kind, body } as unknown as Command);
    const known = this.#young.get(id) ?? this.#old.get(id);
    if (known !== undefined) return known === hash ? 'same' : 'conflict';
    if (this.#young.size >= this.#max / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, hash);
    return 'new';
  }

  /** The request that claimed the id was not accepted. */
  forget(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }
}

/** Version 8: derived from a key. Version 7: from time and randomness. */
function isDerived(id: string): boolean {
  return id[14] === '8';
}
