import { refused, type Refused } from '../rules.js';
import type { Product } from './product.js';

/** A refusal if the product has none of the versions that the command names; undefined: it has, or any will do. */
export function whyChanged(
  { version }: Pick<Product, 'version'>,
  ifVersions: readonly number[] | undefined,
): Refused<'product-changed'> | undefined {
  return ifVersions === undefined || ifVersions.includes(version) ? undefined : refused('product-changed', { version });
}
