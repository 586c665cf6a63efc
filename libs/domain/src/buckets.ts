import { bucketOf } from '@eco/routing';
import type { BatchState } from './state.js';

/** Where keys belong, with each key's hash taken once a batch: a hot product is in hundreds of lines of one. */
export class Buckets {
  private readonly known = new Map<string, number>();

  constructor(private readonly state: Pick<BatchState, 'buckets' | 'ownedBuckets'>) {}

  of(key: string): number {
    let bucket = this.known.get(key);
    if (bucket === undefined) {
      bucket = bucketOf(key, this.state.buckets);
      this.known.set(key, bucket);
    }
    return bucket;
  }

  /** One that is this group's, for what names no key. */
  get any(): number {
    const [any = 0] = this.state.ownedBuckets;
    return any;
  }

  isOwned(bucket: number): boolean {
    return this.state.ownedBuckets.has(bucket);
  }
}
