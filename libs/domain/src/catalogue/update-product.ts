import { changeOf } from './catalogue.js';
import { whyChanged } from './why-changed.js';
import { done, refused, type Rules } from '../rules.js';

export const updateProduct: Rules<'product.update'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  decide({ body: { productId, name, priceCents, taxBasisPoints, ifVersions } }, state) {
    const present = state.catalogue.find(productId);
    if (present === undefined) return refused('product-unknown');
    const changed = whyChanged(present, ifVersions);
    if (changed !== undefined) return changed;
    const product = state.catalogue.change(productId, { name, priceCents, taxBasisPoints, deleted: false });
    return done({ productId, version: product.version }, { type: 'product.updated', data: changeOf(product) });
  },
};
