import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Product, ProductRow } from './product.js';

/** A product as its change shows it. */
export function changeOf({ productId, name, priceCents, version, taxBasisPoints }: Readonly<Product>) {
  return { productId, name, priceCents, version, ...(taxBasisPoints !== null && { taxBasisPoints }) };
}

/** The products while a batch is decided: as loaded, plus all changes so far. */
export class Catalogue {
  readonly #changed = new Map<string, ProductRow>();
  readonly #stored: BatchState['products'];
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'products'>;

  constructor(stored: BatchState['products'], buckets: Buckets, effects: Pick<Effects, 'products'>) {
    this.#stored = stored;
    this.#buckets = buckets;
    this.#effects = effects;
  }

  /** Undefined: it never existed, or is deleted. */
  find(productId: string): Readonly<Product> | undefined {
    const product = this.#changed.get(productId) ?? this.#stored.get(productId);
    return product === undefined || product.deleted ? undefined : product;
  }

  /** True for a deleted product too: its units are still in stock. */
  existsOrExisted(productId: string): boolean {
    return this.#changed.has(productId) || this.#stored.has(productId);
  }

  /**
   * Sets the given fields, creates, restores or deletes the product, and returns it. A deleted product keeps its
   * row, and its versions continue if it is created again, so that a consumer never sees a version decrease.
   */
  change(
    productId: string,
    to: { [Field in 'name' | 'priceCents' | 'taxBasisPoints']?: Product[Field] | undefined } & Pick<Product, 'deleted'>,
  ): Readonly<Product> {
    const product = this.#workingProduct(productId);
    product.name = to.name ?? product.name;
    product.priceCents = to.priceCents ?? product.priceCents;
    if (to.taxBasisPoints !== undefined) product.taxBasisPoints = to.taxBasisPoints;
    product.deleted = to.deleted;
    product.version += 1;
    return product;
  }

  #workingProduct(productId: string): ProductRow {
    let product = this.#changed.get(productId);
    if (product === undefined) {
      const stored = this.#stored.get(productId);
      product = {
        productId,
        name: stored?.name ?? '',
        priceCents: stored?.priceCents ?? 0,
        taxBasisPoints: stored?.taxBasisPoints ?? null,
        version: stored?.version ?? 0,
        deleted: stored?.deleted ?? true,
        bucket: this.#buckets.of(productId),
      };
      this.#changed.set(productId, product);
      this.#effects.products.push(product);
    }
    return product;
  }
}
