import { bucketOf } from '@eco/routing';
import type { BatchState } from './state.js';

/** Maps keys to buckets and hashes each key once per batch: a hot product is in hundreds of lines of one batch. */
export class Buckets {
  readonly #known = new Map<string, number>();
  readonly #state: Pick<BatchState, 'buckets' | 'ownedBuckets'>;

  constructor(state: Pick<BatchState, 'buckets' | 'ownedBuckets'>) {
    this.#state = state;
  }

  of(key: string): number {
    let bucket = this.#known.get(key);
    if (bucket === undefined) {
      bucket = bucketOf(key, this.#state.buckets);
      this.#known.set(key, bucket);
    }
    return bucket;
  }

  /** A bucket of this group, for content without a key. */
  get any(): number {
    const [any = 0] = this.#state.ownedBuckets;
    return any;
  }

  isOwned(bucket: number): boolean {
    return this.#state.ownedBuckets.has(bucket);
  }

  /** True: no other group owns a bucket. */
  get areAllOwned(): boolean {
    const { ownedBuckets, buckets } = this.#state;
    return ownedBuckets.size === buckets;
  }
}
