import { changeOf } from './catalogue.js';
import { done, refused, type Rules } from '../rules.js';

export const updateProduct: Rules<'product.update'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
  },
  decide({ body: { productId, name, priceCents, taxBasisPoints } }, state) {
    if (state.catalogue.find(productId) === undefined) return refused('product-unknown');
    const product = state.catalogue.change(productId, { name, priceCents, taxBasisPoints, deleted: false });
    return done({ productId, version: product.version }, { type: 'product.updated', data: changeOf(product) });
  },
};
