import { whyChanged } from './why-changed.js';
import { done, refused, type Rules } from '../rules.js';

export const deleteProduct: Rules<'product.delete'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  /** The stock of the product stays, because units do not vanish when a product is no longer sold. */
  decide({ body: { productId, ifVersions } }, state) {
    const present = state.catalogue.find(productId);
    if (present === undefined) return refused('product-unknown');
    const changed = whyChanged(present, ifVersions);
    if (changed !== undefined) return changed;
    const { version } = state.catalogue.change(productId, { deleted: true });
    return done({ productId, version }, { type: 'product.deleted', data: { productId, version } });
  },
};
